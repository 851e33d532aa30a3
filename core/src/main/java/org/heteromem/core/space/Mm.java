package org.heteromem.core.space;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;
import org.heteromem.core.Access;
import org.heteromem.core.AccessException;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Errno;
import org.heteromem.core.LostPageException;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.event.Counter;
import org.heteromem.core.event.FaultKind;
import org.heteromem.core.event.MemoryEvent;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.mirror.Invalidation;
import org.heteromem.core.mirror.NotifierSubscriptions;
import org.heteromem.core.mmu.Mmu;
import org.jspecify.annotations.Nullable;

/**
 * The inside of an address space (Linux: mm_struct): its areas, page table, counters and followers.
 *
 * <p>Locking, from outside in: {@link #lock} (shared for faults and migration, exclusive for changing areas) → page lock
 * (only ever tried, but for waits through the waiting port with nothing but {@link #lock} held) → the anchors' lock →
 * a leaf's lock → LRU and free lists. A foreign process is reached through the anchors and its leaf locks alone.
 *
 * <p>Who narrows an entry waits for the stores under way ({@link Mmu#stopWriters} or {@link Mmu#drop}) before it lets go of
 * the lock that keeps others from acting on it: the exclusive lock, the page lock, or the anchor's. So an entry that is
 * found read-only, with no such lock held by anyone, has no store in flight, and copy-on-write may copy at once.
 */
public final class Mm {
    /** How often a fault may be served without getting anywhere before the touch fails. */
    private static final int NO_PROGRESS_LIMIT = 10_000;

    final StampedLock lock = new StampedLock();
    final VmaSet areas = new VmaSet();
    final PageTable pageTable = new PageTable();
    final AtomicLong rssAnon = new AtomicLong();
    final AtomicLong rssShared = new AtomicLong();

    private final Machine machine;
    private final int id;
    private final ReentrantLock anonLock = new ReentrantLock();
    private final NotifierSubscriptions notifiers;
    private final AddressSpace face;
    private final Mmu mmu;
    private volatile boolean exited;

    /**
     * Makes an empty address space.
     *
     * @param machine what it lives on
     * @param face its public face
     * @param mmu what executes it
     */
    public Mm(Machine machine, AddressSpace face, Mmu mmu) {
        this.machine = machine;
        this.face = face;
        this.mmu = mmu;
        this.notifiers = new NotifierSubscriptions(machine.waiting);
        this.id = machine.nextSpaceId();
    }

    /**
     * Lets others find it: once its public face is complete, since they reach one by the other, and in a fork once all has
     * been copied, since whoever faults or migrates in it meanwhile would have his entries overwritten.
     */
    public void publish() {
        machine.register(this);
    }

    /** {@return the number of this address space} */
    public int id() {
        return id;
    }

    /** {@return what it lives on} */
    public Machine machine() {
        return machine;
    }

    /** {@return its public face} */
    public AddressSpace face() {
        return face;
    }

    /** {@return what executes it} */
    public Mmu mmu() {
        return mmu;
    }

    /** {@return who follows it} */
    public NotifierSubscriptions notifiers() {
        return notifiers;
    }

    /** {@return its page table} */
    public PageTable pageTable() {
        return pageTable;
    }

    /** {@return whether it is gone} */
    public boolean exited() {
        return exited;
    }

    void markExited() {
        exited = true;
    }

    /** {@return pages of anonymous memory it has, wherever they live} */
    public long rssAnon() {
        return rssAnon.get();
    }

    /** {@return pages of shared memory it has mapped} */
    public long rssShared() {
        return rssShared.get();
    }

    // ---- the lock of the areas ---------------------------------------------------------------------------------

    /** {@return a stamp: faults and migrations go on, areas stay as they are} */
    public long readLock() {
        return lock.readLock();
    }

    /**
     * Gives a shared lock back; any thread may.
     *
     * @param stamp from {@link #readLock}
     */
    public void readUnlock(long stamp) {
        lock.unlockRead(stamp);
    }

    long writeLock() {
        long stamp = lock.writeLock();
        if (exited) {
            lock.unlockWrite(stamp);
            throw gone();
        }
        return stamp;
    }

    void writeUnlock(long stamp) {
        lock.unlockWrite(stamp);
    }

    MemoryException gone() {
        return new MemoryException(Errno.EINVAL, "address space " + id + " has exited");
    }

    /** {@return whether nobody holds the lock of the areas or that of their anchors' making} */
    public boolean unlocked() {
        return !lock.isReadLocked() && !lock.isWriteLocked() && !anonLock.isLocked();
    }

    // ---- notifications -----------------------------------------------------------------------------------------

    /** Tells followers that entries are about to change. */
    void notifyStart(Invalidation.Reason reason, long page, long pages, @Nullable Object owner) {
        machine.counters.add(Counter.MMU_NOTIFY, 1);
        notifiers.start(new Invalidation(reason, face, Page.address(page), Page.address(pages), owner));
    }

    void notifyEnd() {
        notifiers.end();
    }

    // ---- anonymous memory --------------------------------------------------------------------------------------

    /**
     * Gives an area its anchor if it has none yet (Linux: anon_vma_prepare). A neighbour that was split off the same area
     * lends its own, so that the two can merge again.
     */
    AnonVma prepareAnon(Vma area) {
        AnonVma have = area.anonVma;
        if (have != null) {
            return have;
        }
        anonLock.lock();
        try {
            have = area.anonVma;
            if (have != null) {
                return have;
            }
            AnonVma made = reusable(area);
            if (made == null) {
                made = new AnonVma();
            }
            ReentrantReadWriteLock.WriteLock write = made.lock().writeLock();
            write.lock();
            try {
                made.areas.add(area);
            } finally {
                write.unlock();
            }
            area.chain = List.of(made);
            area.anonVma = made;
            return made;
        } finally {
            anonLock.unlock();
        }
    }

    private @Nullable AnonVma reusable(Vma area) {
        Vma next = areas.startingAt(area.end);
        if (next != null && anonCompatible(area, next) && next.chain.size() == 1) {
            return next.anonVma;
        }
        Vma previous = areas.endingAt(area.start);
        if (previous != null && anonCompatible(previous, area) && previous.chain.size() == 1) {
            return previous.anonVma;
        }
        return null;
    }

    private static boolean anonCompatible(Vma left, Vma right) {
        return left.isPrivate()
                && right.isPrivate()
                && ((left.flags ^ right.flags) & ~Vma.STICKY) == 0
                && right.offset == left.index(right.start);
    }

    // ---- faults ------------------------------------------------------------------------------------------------

    /**
     * Serves one fault as far as possible without waiting: the entry for whoever must not block.
     *
     * @param page the page number
     * @param access what is tried
     * @return what became of it
     */
    public FaultResult faultOnce(long page, Access access) {
        return faultOnce(page, access, false);
    }

    /** {@return what {@link org.heteromem.core.AddressSpace#poison} does} */
    public long poison(long from, long to) {
        return Poison.install(this, from, to);
    }

    /** {@return what {@link org.heteromem.core.AddressSpace#mapAgain} does} */
    public FaultResult mapAgain(long page) {
        long stamp = lock.readLock();
        try {
            return FaultHandler.mapAgain(this, page);
        } finally {
            lock.unlockRead(stamp);
        }
    }

    FaultResult faultOnce(long page, Access access, boolean unshare) {
        FaultResult result;
        long stamp = lock.readLock();
        try {
            result = exited
                    ? new FaultResult.Segv("address space " + id + " has exited")
                    : FaultHandler.handle(this, page, access == Access.WRITE, unshare);
        } finally {
            lock.unlockRead(stamp);
        }
        machine.counters.add(Counter.PGFAULT, 1);
        if (machine.listening()) {
            FaultKind kind = result instanceof FaultResult.Done done
                    ? done.kind()
                    : result instanceof FaultResult.Wait wait ? wait.kind() : null;
            if (kind != null) {
                machine.emit(() -> new MemoryEvent.CpuFault(id, Page.address(page), access, kind));
            }
        }
        return result;
    }

    /**
     * Serves a fault, waiting and making room as needed.
     *
     * @param address the address touched
     * @param access what is tried
     * @throws AccessException if it cannot be served
     */
    public void fault(long address, Access access) {
        FaultResult result = resolve(Page.of(address), access, false);
        if (result instanceof FaultResult.Segv segv) {
            throw new AccessException(
                    AccessException.Signal.SEGV,
                    address,
                    (access == Access.WRITE ? "store: " : "load: ") + segv.detail());
        }
        if (result instanceof FaultResult.Bus bus) {
            LostPageException lost = new LostPageException(address, bus.device(), bus.detail());
            if (bus.cause() != null) {
                lost.initCause(bus.cause());
            }
            throw lost;
        }
    }

    /** Serves a fault; returns Done, Segv or Bus. */
    FaultResult resolve(long page, Access access, boolean unshare) {
        int stuck = 0;
        for (; ; ) {
            FaultResult result = faultOnce(page, access, unshare);
            switch (result) {
                case FaultResult.Wait wait -> machine.waiting.await(wait.point());
                case FaultResult.NoMemory none -> {
                    String purpose = "a page at 0x" + Long.toHexString(Page.address(page)) + " of address space " + id;
                    if (++stuck > NO_PROGRESS_LIMIT) {
                        // There is room, and yet who asks for it says that there is none: a driver that is wrong.
                        throw machine.exhausted(purpose);
                    }
                    machine.relieve(none.demand(), none.node(), purpose);
                }
                case FaultResult.NoProgress none -> {
                    if (++stuck > NO_PROGRESS_LIMIT) {
                        return new FaultResult.Bus(
                                none.device(),
                                "its driver served " + NO_PROGRESS_LIMIT + " faults without moving it",
                                null);
                    }
                    // Whoever holds the page for a moment may not be running: let it.
                    Thread.yield();
                }
                default -> {
                    return result;
                }
            }
        }
    }
}
