package org.heteromem.live.daemon;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Page;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.policy.FrameDemand;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.EventFd;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.natives.Poller;
import org.heteromem.live.natives.Userfault;
import org.heteromem.live.natives.UserfaultEvents;

/**
 * The one thread that serves the page faults of one client. It waits for nothing but the next fault, and does what nobody has
 * asked for yet ({@link ZeroAhead}) once those are served that it has read:
 *
 * <pre>
 *   event ──► AddressSpace.fault ──► Done: the thread goes on already, or is woken
 *                                ──► Wait: attached to what is in the way; comes back through the queue
 *                                ──► NoMemory: room is made here and now, then again
 *                                ──► Bus, Segv: the session decides
 * </pre>
 *
 * A client's thread that is stopped in a fault cannot reach a safepoint, so its whole JVM may be waiting for this thread.
 */
final class FaultPump implements Runnable, AutoCloseable {
    private static final int BATCH = 64;
    /** How often one source is read before the others are looked at. */
    private static final int READS = 16;
    /** How often a device may do its work without getting anywhere before the page counts as lost. */
    private static final int NO_PROGRESS_LIMIT = 10_000;
    /** How long nothing may leave RAM, while nobody is about to move anything, before a page counts as lost. */
    private static final long NO_MEMORY_NANOS = 2_000_000_000L;
    /** How often in a row a page may be touched although it is there. */
    private static final int SUSPICIOUS = 3;

    private static final int SUSPECTS = 64;
    /** How long a page must be gone that should be there. */
    private static final long TAMPERED_NANOS = 1_000_000_000;

    /** What the pump cannot decide. */
    interface Host {
        /**
         * RAM is short: makes room.
         *
         * @return whether it is worth to try again
         */
        boolean makeRoom(FaultResult.NoMemory shortage);

        /** Some faults were served: RAM may be running low. */
        void served();

        /** A page cannot be produced. */
        void lost(long page, String device, String detail);

        /** A touch of an address where nothing is, or of a page that its process has destroyed. */
        void stray(long page, String detail);

        /** The client's userfaultfd tells of something that it must not tell of. */
        void foreign(int event);

        /** The client's userfaultfd makes its reader wait. */
        void blocking();

        /** The pump itself is broken, and ends. */
        void broken(Throwable defect);

        /** The client's tables are gone, or reading from it failed. */
        void ended(String why);
    }

    private record Retry(Userfault source, long page, Access access) {}

    private final AddressSpace space;
    private final LiveMmu mmu;
    private final ZeroAhead ahead;
    private final HaltPolling polling;
    private final FailPoints points;
    private final Host host;
    private final CopyOnWriteArrayList<Userfault> sources = new CopyOnWriteArrayList<>();
    /** How often the sources have changed; counted after the change. */
    private final AtomicInteger changes = new AtomicInteger();

    private final ConcurrentLinkedQueue<Retry> retries = new ConcurrentLinkedQueue<>();
    private final EventFd wake = EventFd.create();
    private volatile boolean stopped;
    final LongAdder faults = new LongAdder();
    /** Pages that were touched although they are there, each in a place of its number; the pump's thread only. */
    private final long[] suspects = new long[SUSPECTS];

    private final int[] suspicions = new int[SUSPECTS];
    /** Since when nothing has left RAM although a fault needs it, or 0; the pump's thread only. */
    private long stuckSince;

    private final long[] tampering = new long[SUSPECTS];
    /** Pages that were touched for the first time and made, until what follows them has been thought of; the pump's thread only. */
    private final long[] firstTouched = new long[BATCH];

    private int firstTouches;

    FaultPump(AddressSpace space, LiveMmu mmu, HaltPolling polling, ZeroAhead.Room room, FailPoints points, Host host) {
        this.space = space;
        this.polling = polling;
        this.points = points;
        this.mmu = mmu;
        this.ahead = new ZeroAhead(space, mmu, room);
        this.host = host;
    }

    /** Serves one more userfaultfd from now on. */
    void add(Userfault source) {
        sources.add(source);
        changes.incrementAndGet();
        wake.signal();
    }

    void remove(Userfault source) {
        sources.remove(source);
        changes.incrementAndGet();
        wake.signal();
    }

    /** Makes {@link #run} return soon. */
    void stop() {
        stopped = true;
        wake.signal();
    }

    @Override
    public void run() {
        try {
            UserfaultEvents events = new UserfaultEvents(BATCH);
            while (!stopped) {
                serve(events);
            }
        } catch (RuntimeException | Error e) {
            // Nobody would serve this client any more, and it would hang.
            host.broken(e);
        }
    }

    /** After {@link #run} has returned and no page lock is held any more. */
    @Override
    public void close() {
        wake.close();
    }

    /** Serves until the set of sources changes. */
    private void serve(UserfaultEvents events) {
        int seen = changes.get();
        Userfault[] all = sources.toArray(Userfault[]::new);
        Poller poller = new Poller(all.length + 1);
        int bell = poller.add(wake.fd(), Poller.IN);
        for (Userfault source : all) {
            poller.add(source.fd(), Poller.IN);
        }
        while (!stopped) {
            polling.await(poller);
            if (poller.ready(bell) != 0) {
                wake.drain();
                retry();
            }
            for (int i = 0; i < all.length; i++) {
                int ready = poller.ready(bell + 1 + i);
                if ((ready & Poller.ERROR) != 0) {
                    // Reading it might never end, nor would its client.
                    remove(all[i]);
                    host.blocking();
                } else if (ready != 0) {
                    drain(all[i], events);
                }
            }
            // Not only when the bell was heard: one that is closed already is all that a poll tells of.
            if (changes.get() != seen) {
                return;
            }
        }
    }

    private void drain(Userfault source, UserfaultEvents events) {
        // Whoever was woken on this CPU has mostly run already, and stands in its next fault: to read is cheaper
        // than to ask first. But other sources wait too.
        for (int reads = 0; reads < READS; reads++) {
            int count = source.read(events);
            if (count == 0) {
                return;
            }
            if (count < 0) {
                sources.remove(source);
                changes.incrementAndGet();
                wake.signal();
                if (count != -Errno.EBADF) {
                    host.ended("reading its page faults failed: " + Errno.describe(-count));
                }
                return;
            }
            points.passed(FailPoint.FAULTS_READ);
            for (int i = 0; i < count; i++) {
                if (events.isPageFault(i)) {
                    faults.increment();
                    boolean write = events.isWrite(i) || events.isWriteProtect(i);
                    resolve(source, Page.of(events.address(i)), write ? Access.WRITE : Access.READ, events.isMinor(i));
                } else {
                    events.takeDescriptor(i).ifPresent(Fd::close);
                    host.foreign(events.event(i));
                }
            }
            host.served();
            makeAhead();
        }
    }

    private void retry() {
        for (Retry again = retries.poll(); again != null; again = retries.poll()) {
            resolve(again.source, again.page, again.access, false);
        }
        makeAhead();
    }

    private void firstTouch(long page) {
        if (firstTouches == firstTouched.length) {
            makeAhead();
        }
        firstTouched[firstTouches++] = page;
    }

    /** What nobody waits for, after what somebody waits for. */
    private void makeAhead() {
        for (int i = 0; i < firstTouches; i++) {
            ahead.touched(firstTouched[i]);
        }
        firstTouches = 0;
    }

    /** One that was read; somebody else may have served it since. */
    void resolve(Userfault source, long page, Access access, boolean unmapped) {
        long shortSince = 0;
        for (int tries = 0; ; tries++) {
            FaultResult result = space.fault(Page.address(page), access);
            switch (result) {
                case FaultResult.Done done -> {
                    if (done == FaultResult.SPURIOUS) {
                        spurious(source, page, access, unmapped);
                    } else if (done == FaultResult.DEMAND_ZERO) {
                        firstTouch(page);
                    }
                    return;
                }
                case FaultResult.Wait wait -> {
                    retryAfter(wait, source, page, access);
                    return;
                }
                case FaultResult.NoMemory shortage -> {
                    if (host.makeRoom(shortage)) {
                        stuckSince = 0;
                        shortSince = 0;
                    } else if (shortSince == 0) {
                        shortSince = System.nanoTime();
                    } else if (isStuck() && isWaitedFor(shortage, shortSince)) {
                        host.lost(
                                page,
                                "RAM",
                                "RAM is full, and no device takes a page: give the daemon a larger overflow");
                        return;
                    }
                    if (stopped) {
                        // Nothing leaves RAM any more; who waits is gone, or is another daemon's to serve.
                        return;
                    }
                    Thread.yield();
                }
                case FaultResult.NoProgress none -> {
                    if (tries > NO_PROGRESS_LIMIT) {
                        host.lost(page, none.device(), "its driver serves the fault without moving the page");
                        return;
                    }
                    Thread.onSpinWait();
                }
                case FaultResult.Bus bus -> {
                    host.lost(page, bus.device(), bus.detail());
                    return;
                }
                case FaultResult.Segv segv -> {
                    // What was mapped there may have gone: somebody else has served the touch,
                    // and the process has given the memory up since.
                    if (sources.contains(source)) {
                        host.stray(page, segv.detail());
                    }
                    return;
                }
            }
        }
    }

    /** A page that nobody has written yet can be refused at once; one with contents waits for its turn, whatever was before. */
    private static boolean isWaitedFor(FaultResult.NoMemory shortage, long since) {
        return shortage.demand() == FrameDemand.NEW_PAGE || System.nanoTime() - since > NO_MEMORY_NANOS;
    }

    /** Whether nothing has left RAM for so long that nothing will. Faults that find it so later need not wait again. */
    private boolean isStuck() {
        long now = System.nanoTime();
        if (stuckSince == 0) {
            stuckSince = now;
        }
        return now - stuckSince > NO_MEMORY_NANOS;
    }

    /**
     * The page is there. If the client's file has it and its table has not, it is mapped again: it was made idle later than
     * that was asked for, or the system has taken it out to swap it. Else mostly somebody else is just serving it; but if the
     * same page comes again and again it is tried too, and if the file has not got it the client has tampered with it. For
     * that it would have to stay so for a while, as who serves a page can be delayed.
     */
    private void spurious(Userfault source, long page, Access access, boolean unmapped) {
        int slot = (int) (page * 0x9E3779B97F4A7C15L >>> 58);
        if (suspects[slot] != page) {
            suspects[slot] = page;
            suspicions[slot] = 0;
        } else {
            suspicions[slot]++;
        }
        if (unmapped || suspicions[slot] >= SUSPICIOUS) {
            if (space.mapAgain(Page.address(page)) instanceof FaultResult.Wait wait) {
                retryAfter(wait, source, page, access);
                return;
            }
            if (!mmu.takeDestroyed(page)) {
                suspicions[slot] = 0;
            } else if (suspicions[slot] <= SUSPICIOUS) {
                suspicions[slot] = SUSPICIOUS;
                tampering[slot] = System.nanoTime();
            } else if (System.nanoTime() - tampering[slot] > TAMPERED_NANOS) {
                suspicions[slot] = 0;
                host.stray(page, "its process has dropped it behind the daemon's back");
                return;
            }
        }
        wakeUp(page);
    }

    /** The waiter may be released at any moment by any thread; it tries again from the start. */
    private void retryAfter(FaultResult.Wait wait, Userfault source, long page, Access access) {
        wait.point().whenReady(() -> {
            retries.add(new Retry(source, page, access));
            wake.signal();
        });
    }

    /** Somebody else has served the page meanwhile: whoever still waits looks again. */
    private void wakeUp(long page) {
        Region region = mmu.regionOf(page);
        if (region != null) {
            region.faults.tryWake(Page.address(page), Page.SIZE);
        }
    }

    /** Marks a page so that every touch is a SIGBUS, and lets those who wait for it go on into it. */
    void poison(long page) {
        Region region = mmu.regionOf(page);
        if (region != null) {
            mmu.poison(region, region.index(page));
        }
    }
}
