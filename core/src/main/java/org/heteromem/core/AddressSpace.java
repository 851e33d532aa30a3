package org.heteromem.core;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.frame.HomedNode;
import org.heteromem.core.memory.HomedMemory;
import org.heteromem.core.mmu.Mmu;
import org.heteromem.core.mmu.SoftwareMmu;
import org.heteromem.core.space.Advisor;
import org.heteromem.core.space.AreaOperations;
import org.heteromem.core.space.Forker;
import org.heteromem.core.space.Inspection;
import org.heteromem.core.space.Mm;
import org.heteromem.core.space.Protector;
import org.heteromem.core.space.Remapper;
import org.jspecify.annotations.Nullable;

/**
 * The memory of one process (Linux: mm_struct): areas of addresses, each page of which may live in RAM or on any device.
 *
 * <p>Addresses and lengths are in bytes. Addresses must be multiples of the page size ({@link Page#SIZE}); lengths are
 * rounded up to whole pages, as Linux does. Errors are {@link MemoryException}s with Linux's reason. Thread-safe.
 */
public final class AddressSpace {
    private final MemoryManager manager;
    private final @Nullable SoftwareMmu softwareMmu;
    private final Mm mm;

    AddressSpace(MemoryManager manager, @Nullable Mmu mmu) {
        this.manager = manager;
        this.softwareMmu = mmu == null ? new SoftwareMmu() : null;
        this.mm = new Mm(manager.machine(), this, mmu == null ? softwareMmu() : mmu);
    }

    private SoftwareMmu softwareMmu() {
        SoftwareMmu have = softwareMmu;
        if (have == null) {
            throw new IllegalStateException("this address space is executed by a live process, not by Cpu objects");
        }
        return have;
    }

    /** {@return the manager it belongs to} */
    public MemoryManager manager() {
        return manager;
    }

    /** {@return the inside of it; for the core} */
    @SuppressWarnings("exports") // only the core can use it
    public Mm mm() {
        return mm;
    }

    /** {@return its number, unique within the manager, in order of creation} */
    public int id() {
        return mm.id();
    }

    /** {@return whether it has exited} */
    public boolean exited() {
        return mm.exited();
    }

    /**
     * Makes a CPU for a thread that executes this process.
     *
     * @return a CPU, to be used by one thread and closed by it
     */
    public Cpu newCpu() {
        if (mm.exited()) {
            throw new MemoryException(Errno.EINVAL, "address space " + id() + " has exited");
        }
        return new Cpu(mm, softwareMmu());
    }

    // ---- areas -------------------------------------------------------------------------------------------------

    /**
     * Maps anonymous memory at an address of the manager's choice (mmap).
     *
     * @param length bytes, positive
     * @param protection what for
     * @param sharing what becomes of it at a fork
     * @return the address, a multiple of 2 MiB
     * @throws MemoryException EINVAL for a bad length, ENOMEM if there is no room
     */
    public long map(long length, Protection protection, Sharing sharing) {
        checkMap(protection, sharing);
        return Page.address(AreaOperations.map(mm, -1, pages("map", 0, length), protection, sharing));
    }

    /**
     * Maps anonymous memory at a given address (mmap with MAP_FIXED_NOREPLACE).
     *
     * @param address first byte, a multiple of the page size
     * @param length bytes, positive
     * @param protection what for
     * @param sharing what becomes of it at a fork
     * @throws MemoryException EINVAL, EEXIST if something is mapped there, ENOMEM
     */
    public void mapAt(long address, long length, Protection protection, Sharing sharing) {
        long pages = pages("map", address, length);
        checkMap(protection, sharing);
        AreaOperations.map(mm, Page.of(address), pages, protection, sharing);
    }

    /**
     * Maps the whole of some homed memory, privately. A page that leaves it for a device comes back to the same frame.
     *
     * @param address first byte, a multiple of the page size
     * @param memory memory of this manager that is not mapped yet
     * @param protection what for
     * @throws MemoryException EINVAL, EEXIST if something is mapped there, EBUSY if the memory is mapped already
     */
    public void mapHomed(long address, HomedMemory memory, Protection protection) {
        pages("map", address, memory.frames() << Page.SHIFT);
        Objects.requireNonNull(protection, "protection");
        if (!(memory instanceof HomedNode homed)) {
            throw new MemoryException(Errno.EINVAL, "homed memory of another kind of manager: " + memory.name());
        }
        AreaOperations.mapHomed(mm, Page.of(address), homed, protection);
    }

    /**
     * Unmaps a range (munmap). Holes are fine; pages on devices are freed there.
     *
     * @param address first byte
     * @param length bytes, positive
     */
    public void unmap(long address, long length) {
        long pages = pages("unmap", address, length);
        AreaOperations.unmap(mm, Page.of(address), Page.of(address) + pages);
    }

    /**
     * Changes what a range may be used for (mprotect). Moves no page. A page on a private device that was made read-only
     * stays so there until it comes home.
     *
     * @param address first byte
     * @param length bytes, positive
     * @param protection the new protection
     * @throws MemoryException ENOMEM at a hole; what lies before it has changed
     */
    public void protect(long address, long length, Protection protection) {
        long pages = pages("protect", address, length);
        Objects.requireNonNull(protection, "protection");
        Protector.protect(mm, Page.of(address), Page.of(address) + pages, protection);
    }

    /**
     * Moves a range to other addresses (mremap), pages on devices included. It may meet several areas and holes, but must
     * start in an area; the distances between them stay. What is mapped where an area goes is unmapped first.
     *
     * @param address first byte
     * @param length bytes, positive
     * @param target first byte of the new place
     * @param mode what is left behind
     * @throws MemoryException EFAULT if nothing is mapped at its start, EINVAL if the two overlap
     */
    public void remap(long address, long length, long target, RemapMode mode) {
        long pages = pages("remap", address, length);
        pages("remap", target, length);
        Objects.requireNonNull(mode, "mode");
        Remapper.remap(mm, Page.of(address), pages, Page.of(target), mode);
    }

    /**
     * Tells something about a range (madvise).
     *
     * @param address first byte
     * @param length bytes, positive
     * @param advice what
     * @throws MemoryException EINVAL where the advice does not fit, ENOMEM if part of the range is not mapped, EFAULT where
     *     populating fails
     */
    public void advise(long address, long length, Advice advice) {
        long pages = pages("advise", address, length);
        Objects.requireNonNull(advice, "advice");
        Advisor.advise(mm, Page.of(address), Page.of(address) + pages, advice);
    }

    /**
     * Locks a range in memory and faults it in (mlock). Pages on private devices come home; those in coherent memory stay. A
     * locked page may still migrate.
     *
     * @param address first byte
     * @param length bytes, positive
     * @throws MemoryException ENOMEM if part of the range is not mapped or cannot be faulted in; it stays marked
     */
    public void lock(long address, long length) {
        long pages = pages("lock", address, length);
        AreaOperations.setLocked(mm, Page.of(address), Page.of(address) + pages, true);
    }

    /**
     * Undoes {@link #lock} (munlock).
     *
     * @param address first byte
     * @param length bytes, positive
     * @throws MemoryException ENOMEM if part of the range is not mapped
     */
    public void unlock(long address, long length) {
        long pages = pages("unlock", address, length);
        AreaOperations.setLocked(mm, Page.of(address), Page.of(address) + pages, false);
    }

    /**
     * Duplicates the process (fork): private memory is shared until written, wherever it lives.
     *
     * @return the child, without threads or mirrors
     * @throws MemoryExhaustedException if a pinned page must be copied and there is no frame for it
     */
    public AddressSpace fork() {
        for (int attempt = 0; ; attempt++) {
            AddressSpace child = new AddressSpace(manager, null);
            boolean done = false;
            try {
                done = Forker.fork(mm, child.mm, attempt);
            } finally {
                if (!done) {
                    Forker.exit(child.mm);
                }
            }
            if (done) {
                child.mm.publish();
                return child;
            }
        }
    }

    /** Ends the process: everything is unmapped, pages on devices are freed (exit_mmap). Idempotent. */
    public void exit() {
        if (!mm.exited()) {
            Forker.exit(mm);
        }
    }

    /** {@return the areas, by address} */
    public List<Area> areas() {
        return Inspection.areas(mm);
    }

    /**
     * {@return the areas that have pages in a range, by address; whole, also where they reach beyond it}
     *
     * @param address first byte, not negative
     * @param length bytes; 0 is met by no area
     * @throws MemoryException EINVAL if that is no range
     */
    public List<Area> areas(long address, long length) {
        if (address < 0 || length < 0 || address + length < 0) {
            throw new MemoryException(Errno.EINVAL, "no range: " + length + " bytes at 0x" + Long.toHexString(address));
        }
        return length == 0 ? List.of() : Inspection.areas(mm, Page.of(address), Page.of(address + length - 1) + 1);
    }

    /**
     * {@return the area that an address lies in, or null}
     *
     * @param address any address
     */
    public @Nullable Area areaAt(long address) {
        return Inspection.areaAt(mm, Page.of(address));
    }

    /**
     * Serves one fault for whoever executes this process in another way than by {@link Cpu}, without ever waiting.
     *
     * @param address the address touched
     * @param access what was tried
     * @return what became of it
     */
    public FaultResult fault(long address, Access access) {
        return mm.faultOnce(Page.of(address), access);
    }

    /**
     * Maps a page of homed memory again that is there, where the process's own table turns out not to have it: the system may
     * have taken it out to swap it. Never waits.
     *
     * @param address an address in the page
     * @return {@link FaultResult#IDLE} if the {@link Mmu} was told, a wait if somebody has the page in hand, and {@link
     *     FaultResult#SPURIOUS} if it is not there (any more): touching it is a fault like any other
     */
    public FaultResult mapAgain(long address) {
        return mm.mapAgain(Page.of(address));
    }

    /**
     * Marks pages of a range as lost, for who knows that they had contents which nobody has any more: touching one is a {@link
     * FaultResult.Bus}, and it can neither be pinned nor be moved, until it is given up. Pages that are somewhere, in memory
     * or on a device, stay as they are (UFFDIO_POISON).
     *
     * @param address first byte
     * @param length bytes, positive
     * @return how many pages were marked
     * @throws MemoryException ENOMEM if part of the range is not mapped; the rest is marked
     */
    public long poison(long address, long length) {
        long pages = pages("poison", address, length);
        return mm.poison(Page.of(address), Page.of(address) + pages);
    }

    /** An area without a protection would fail at every later touch instead of here. */
    private static void checkMap(Protection protection, Sharing sharing) {
        Objects.requireNonNull(protection, "protection");
        Objects.requireNonNull(sharing, "sharing");
    }

    private long pages(String operation, long address, long length) {
        long limit = 1L << Page.ADDRESS_BITS;
        if ((address & Page.OFFSET_MASK) != 0) {
            throw new MemoryException(
                    Errno.EINVAL,
                    operation + ": the address 0x" + Long.toHexString(address) + " is not a multiple of " + Page.SIZE);
        }
        if (length <= 0 || length > limit || address < 0 || address > limit - length) {
            throw new MemoryException(
                    Errno.EINVAL,
                    operation + ": " + length + " bytes at 0x" + Long.toHexString(address)
                            + " is not a range of a 48-bit address space");
        }
        return Page.count(length);
    }

    @Override
    public String toString() {
        return "AddressSpace " + id() + ' ' + Arrays.toString(areas().toArray());
    }
}
