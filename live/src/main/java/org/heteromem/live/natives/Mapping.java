package org.heteromem.live.natives;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A range of this process's address space ({@code mmap}), unmapped by {@link #close()}.
 *
 * <p>Its segment belongs to a shared arena: after closing, a use of it is an {@link IllegalStateException} and never an
 * access to whatever is mapped there next. Thread-safe.
 */
public final class Mapping implements AutoCloseable {
    /** Advice of {@code madvise(2)} for a range. */
    public enum Advice {
        /** Will be needed soon. */
        WILLNEED(3),
        /** Drop the pages; of shared memory only this mapping's page-table entries. */
        DONTNEED(4),
        /** A forked child does not get the range. */
        DONTFORK(10);

        private final int number;

        Advice(int number) {
            this.number = number;
        }
    }

    private static final int MADV_NOHUGEPAGE = 15;

    private static final int PROT_NONE = 0;
    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int MAP_SHARED = 1;
    private static final int MAP_PRIVATE = 2;
    private static final int MAP_FIXED = 0x10;
    private static final int MAP_ANONYMOUS = 0x20;
    private static final int MAP_NORESERVE = 0x4000;

    private final long address;
    private final long length;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment segment;

    @SuppressWarnings("restricted") // this class is what makes the segment safe: it lives as long as the mapping
    private Mapping(long address, long length, boolean writable) {
        this.address = address;
        this.length = length;
        MemorySegment whole = MemorySegment.ofAddress(address).reinterpret(length, arena, null);
        this.segment = writable ? whole : whole.asReadOnly();
    }

    /** Maps part of a file for reading and writing, shared with all who map it, at an address the kernel picks. */
    public static Mapping shared(NativeFile file, long offset, long bytes) {
        return sharedAligned(file, offset, bytes, 4096);
    }

    /**
     * {@link #shared} at a multiple of an alignment, so that blocks of the file are aligned in memory too.
     *
     * @param alignment bytes, a power of two of at least 4096
     */
    public static Mapping sharedAligned(NativeFile file, long offset, long bytes, long alignment) {
        return sharedAligned(file, offset, bytes, alignment, PROT_READ | PROT_WRITE);
    }

    /**
     * {@link #sharedAligned}, to which nobody has access before {@link #allowAccess()}: the kernel puts no pages there either, as
     * it does at once in a process that locks all that it will map ({@code mlockall(MCL_FUTURE)}).
     *
     * @param alignment bytes, a power of two of at least 4096
     */
    public static Mapping withoutAccess(NativeFile file, long offset, long bytes, long alignment) {
        return sharedAligned(file, offset, bytes, alignment, PROT_NONE);
    }

    private static Mapping sharedAligned(NativeFile file, long offset, long bytes, long alignment, int protection) {
        requireSize(bytes);
        if (alignment < 4096 || Long.bitCount(alignment) != 1) {
            throw new IllegalArgumentException(
                    "alignment " + alignment + " is not a power of two of at least 4096 bytes");
        }
        Fd fd = file.fd();
        int number = fd.borrow("mmap");
        try {
            // Reserve more than needed, map over the aligned part, give the edges back.
            long slack = alignment - 4096;
            long reserved = map(
                    0,
                    Math.addExact(bytes, slack),
                    PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1,
                    0,
                    "reservation");
            long start = reserved + alignment - 1 & -alignment;
            try {
                map(start, bytes, protection, MAP_SHARED | MAP_FIXED, number, offset, file.toString());
            } catch (NativeException e) {
                unmap(reserved, bytes + slack);
                throw e;
            }
            if (start > reserved) {
                unmap(reserved, start - reserved);
            }
            long end = start + (bytes + 4095 & -4096L);
            long reservedEnd = reserved + (bytes + slack + 4095 & -4096L);
            if (reservedEnd > end) {
                unmap(end, reservedEnd - end);
            }
            return new Mapping(start, bytes, true);
        } finally {
            fd.giveBack();
        }
    }

    /** Maps part of a file for reading, shared with all who map it. */
    public static Mapping readOnly(NativeFile file, long offset, long bytes) {
        requireSize(bytes);
        Fd fd = file.fd();
        int number = fd.borrow("mmap");
        try {
            return new Mapping(map(0, bytes, PROT_READ, MAP_SHARED, number, offset, file.toString()), bytes, false);
        } finally {
            fd.giveBack();
        }
    }

    /** Maps private anonymous memory, all zero. */
    public static Mapping anonymous(long bytes) {
        requireSize(bytes);
        return new Mapping(
                map(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, "anonymous"),
                bytes,
                true);
    }

    private static void requireSize(long bytes) {
        Platform.require();
        if (bytes <= 0) {
            throw new IllegalArgumentException("a mapping needs at least one byte, not " + bytes);
        }
    }

    private static long map(long address, long bytes, int protection, int flags, int fd, long offset, String what) {
        long mapped = Calls.mmap(address, bytes, protection, flags, fd, offset);
        if (mapped < 0 && mapped > -4096) {
            throw new NativeException(
                    "mmap",
                    what + " address=0x" + Long.toHexString(address) + " offset=" + offset + " length=" + bytes,
                    (int) -mapped);
        }
        return mapped;
    }

    private static void unmap(long address, long bytes) {
        int r = Calls.munmap(address, bytes);
        if (r < 0) {
            throw new NativeException("munmap", range(address, bytes), -r);
        }
    }

    /** First address. */
    public long address() {
        return address;
    }

    /** Bytes mapped. */
    public long length() {
        return length;
    }

    /** The memory; its scope ends with this mapping. */
    public MemorySegment segment() {
        return segment;
    }

    /**
     * Lets the whole mapping be read and written.
     *
     * @throws NativeException as {@code mprotect(2)} fails
     */
    public void allowAccess() {
        int r = Calls.mprotect(address, length, PROT_READ | PROT_WRITE);
        if (r < 0) {
            throw new NativeException("mprotect", range(address, length), -r);
        }
    }

    /** Advises the whole mapping. */
    public void advise(Advice advice) {
        advise(0, length, advice);
    }

    /**
     * Advises a part.
     *
     * @param offset bytes from the start, a multiple of the page size
     * @throws IndexOutOfBoundsException if the part is not inside
     * @throws NativeException as {@code madvise(2)} fails; EINVAL for advice that this kernel does not know
     */
    public void advise(long offset, long bytes, Advice advice) {
        if (offset < 0 || bytes < 0 || offset > length - bytes) {
            throw new IndexOutOfBoundsException(
                    "offset " + offset + " length " + bytes + " is not inside a mapping of " + length + " bytes");
        }
        int r = Calls.madvise(address + offset, bytes, advice.number);
        if (r < 0) {
            throw new NativeException("madvise(" + advice + ")", range(address + offset, bytes), -r);
        }
    }

    /**
     * Takes a part out of the page table, with {@link Advice#DONTNEED}, if it is there still: never where something else has
     * been mapped meanwhile. Of shared memory nothing is lost.
     *
     * @param offset bytes from the start, a multiple of the page size
     * @return false if the mapping is closed or has no such part, or the system refuses, as it does for locked memory
     */
    public boolean tryUnmapPages(long offset, long bytes) {
        synchronized (arena) {
            return arena.scope().isAlive()
                    && offset >= 0
                    && bytes >= 0
                    && offset <= length - bytes
                    && Calls.madvise(address + offset, bytes, Advice.DONTNEED.number) >= 0;
        }
    }

    /** Keeps huge pages out of the whole mapping; a kernel that was built without them has nothing to be told. */
    public void refuseHugePages() {
        int r = Calls.madvise(address, length, MADV_NOHUGEPAGE);
        if (r < 0 && r != -Errno.EINVAL) {
            throw new NativeException("madvise(NOHUGEPAGE)", range(address, length), -r);
        }
    }

    private static String range(long address, long bytes) {
        return "address=0x" + Long.toHexString(address) + " length=" + bytes;
    }

    /**
     * Ends the segment's scope, then unmaps. Closing twice does nothing.
     *
     * @throws IllegalStateException if a native call is using the segment right now; the mapping stays
     */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            synchronized (arena) {
                if (!arena.scope().isAlive()) {
                    return;
                }
                arena.close();
                unmap(address, length);
            }
        }
    }

    @Override
    public String toString() {
        return "mapping " + range(address, length);
    }
}
