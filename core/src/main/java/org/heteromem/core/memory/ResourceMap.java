package org.heteromem.core.memory;

import java.util.ArrayList;
import java.util.List;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;

/**
 * Who owns which part of the physical address space (Linux: iomem_resource, /proc/iomem). Un-addressable device memory
 * has no physical addresses of its own; it takes free ones from the top, under the machine's limit
 * (request_free_mem_region). Thread-safe.
 */
public final class ResourceMap {
    /** What a range of physical addresses is. */
    public enum Kind {
        /** System RAM. */
        SYSTEM_RAM,
        /** Cache-coherent device memory that firmware keeps apart (soft reserved). */
        SPECIAL_PURPOSE,
        /** Addresses lent to memory that the CPU cannot reach. */
        UNADDRESSABLE,
        /** Not usable. */
        RESERVED
    }

    /**
     * A range of the physical address space.
     *
     * @param start first byte address
     * @param length bytes
     * @param kind what it is
     * @param name who is there
     */
    public record Resource(long start, long length, Kind kind, String name) {
        /** {@return the first byte address after the range} */
        public long end() {
            return start + length;
        }
    }

    private final long limit;
    private final List<Resource> resources = new ArrayList<>();

    /**
     * Makes an empty map.
     *
     * @param physicalAddressBits width of a physical address, 32 to 52
     */
    public ResourceMap(int physicalAddressBits) {
        if (physicalAddressBits < 32 || physicalAddressBits > 52) {
            throw new IllegalArgumentException("physical addresses have 32 to 52 bits, not " + physicalAddressBits);
        }
        this.limit = 1L << physicalAddressBits;
    }

    /** {@return the first physical address that does not exist} */
    public long limit() {
        return limit;
    }

    /** {@return all ranges, by address} */
    public synchronized List<Resource> resources() {
        return List.copyOf(resources);
    }

    /**
     * Claims a range.
     *
     * @param start first byte address
     * @param length bytes, positive
     * @param kind what it becomes
     * @param name who is there
     * @return the range
     * @throws MemoryException ENOMEM if the range exceeds the physical address limit or somebody is there, named
     */
    public synchronized Resource claim(long start, long length, Kind kind, String name) {
        if (start < 0 || length <= 0 || start > limit - length) {
            throw new MemoryException(
                    Errno.ENOMEM,
                    "'" + name + "' wants " + length + " bytes of physical address space at 0x"
                            + Long.toHexString(start) + ", over the limit 0x" + Long.toHexString(limit));
        }
        int at = 0;
        for (Resource other : resources) {
            if (start < other.end() && other.start() < start + length) {
                throw new MemoryException(
                        Errno.ENOMEM,
                        "physical range 0x" + Long.toHexString(start) + "+" + length + " for '" + name
                                + "' meets '" + other.name() + "' at 0x" + Long.toHexString(other.start()) + "+"
                                + other.length());
            }
            if (other.start() < start) {
                at++;
            }
        }
        Resource claimed = new Resource(start, length, kind, name);
        resources.add(at, claimed);
        return claimed;
    }

    /**
     * Claims the highest free range that is large enough.
     *
     * @param length bytes, positive
     * @param alignment alignment of the start, a power of two
     * @param kind what it becomes
     * @param name who is there
     * @return the range
     * @throws MemoryException ENOMEM if no gap is large enough
     */
    public synchronized Resource claimTop(long length, long alignment, Kind kind, String name) {
        long ceiling = limit;
        for (int i = resources.size() - 1; i >= -1; i--) {
            long floor = i < 0 ? 0 : resources.get(i).end();
            if (length > 0 && length <= ceiling) {
                long start = (ceiling - length) & -alignment;
                if (start >= floor) {
                    return claim(start, length, kind, name);
                }
            }
            ceiling = i < 0 ? ceiling : resources.get(i).start();
        }
        throw new MemoryException(
                Errno.ENOMEM,
                "no room for " + length + " bytes of device memory '" + name + "' in a physical address space of "
                        + limit + " bytes (" + Page.count(limit) + " frames); make the device smaller");
    }

    /**
     * Gives a range back.
     *
     * @param resource a range that was claimed from this map
     */
    public synchronized void release(Resource resource) {
        if (!resources.remove(resource)) {
            throw new MemoryException(Errno.EINVAL, "not in the resource map: " + resource);
        }
    }
}
