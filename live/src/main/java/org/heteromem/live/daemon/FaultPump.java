package org.heteromem.live.daemon;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;
import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Page;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.EventFd;
import org.heteromem.live.natives.Poller;
import org.heteromem.live.natives.Userfault;
import org.heteromem.live.natives.UserfaultEvents;

/**
 * The one thread that serves the page faults of one client. It never waits for anything but the next fault:
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
    /** How often a device may do its work without getting anywhere before the page counts as lost. */
    private static final int NO_PROGRESS_LIMIT = 10_000;

    /** What the pump cannot decide. */
    interface Host {
        /**
         * RAM is short: makes room.
         *
         * @return whether it is worth to try again
         */
        boolean makeRoom(FaultResult.NoMemory shortage);

        /** A page cannot be produced. */
        void lost(long page, String device, String detail);

        /** A touch of an address where nothing is. */
        void stray(long page, String detail);

        /** The client's tables are gone, or reading from it failed. */
        void ended(String why);
    }

    private record Retry(long page, Access access) {}

    private final AddressSpace space;
    private final LiveMmu mmu;
    private final Host host;
    private final CopyOnWriteArrayList<Userfault> sources = new CopyOnWriteArrayList<>();
    private final ConcurrentLinkedQueue<Retry> retries = new ConcurrentLinkedQueue<>();
    private final EventFd wake = EventFd.create();
    private volatile boolean stopped;
    final LongAdder faults = new LongAdder();

    FaultPump(AddressSpace space, LiveMmu mmu, Host host) {
        this.space = space;
        this.mmu = mmu;
        this.host = host;
    }

    /** Serves one more userfaultfd from now on. */
    void add(Userfault source) {
        sources.add(source);
        wake.signal();
    }

    void remove(Userfault source) {
        sources.remove(source);
        wake.signal();
    }

    /** Makes {@link #run} return soon. */
    void stop() {
        stopped = true;
        wake.signal();
    }

    @Override
    public void run() {
        UserfaultEvents events = new UserfaultEvents(BATCH);
        while (!stopped) {
            serve(events);
        }
    }

    /** After {@link #run} has returned and no page lock is held any more. */
    @Override
    public void close() {
        wake.close();
    }

    /** Serves until the set of sources changes. */
    private void serve(UserfaultEvents events) {
        Userfault[] all = sources.toArray(Userfault[]::new);
        Poller poller = new Poller(all.length + 1);
        int bell = poller.add(wake.fd(), Poller.IN);
        for (Userfault source : all) {
            poller.add(source.fd(), Poller.IN);
        }
        while (!stopped) {
            poller.poll(-1);
            boolean rung = poller.ready(bell) != 0;
            if (rung) {
                wake.drain();
                retry();
            }
            for (int i = 0; i < all.length; i++) {
                if (poller.ready(bell + 1 + i) != 0) {
                    drain(all[i], events);
                }
            }
            if (rung && all.length != sources.size()) {
                return;
            }
        }
    }

    private void drain(Userfault source, UserfaultEvents events) {
        int count;
        do {
            count = source.read(events);
            if (count < 0) {
                sources.remove(source);
                wake.signal();
                if (count != -Errno.EBADF) {
                    host.ended("reading its page faults failed: " + Errno.describe(-count));
                }
                return;
            }
            for (int i = 0; i < count; i++) {
                if (events.isPageFault(i)) {
                    faults.increment();
                    boolean write = events.isWrite(i) || events.isWriteProtect(i);
                    resolve(Page.of(events.address(i)), write ? Access.WRITE : Access.READ);
                }
            }
        } while (count == events.capacity());
    }

    private void retry() {
        for (Retry again = retries.poll(); again != null; again = retries.poll()) {
            resolve(again.page, again.access);
        }
    }

    private void resolve(long page, Access access) {
        for (int tries = 0; ; tries++) {
            FaultResult result = space.fault(Page.address(page), access);
            switch (result) {
                case FaultResult.Done done -> {
                    if (done == FaultResult.SPURIOUS) {
                        wakeUp(page);
                    }
                    return;
                }
                case FaultResult.Wait wait -> {
                    // The waiter may be released at any moment by any thread; it tries again from the start.
                    wait.point().whenReady(() -> {
                        retries.add(new Retry(page, access));
                        wake.signal();
                    });
                    return;
                }
                case FaultResult.NoMemory shortage -> {
                    if (!host.makeRoom(shortage) && tries > NO_PROGRESS_LIMIT) {
                        host.lost(page, shortage.node().toString(), "no memory for it, and nothing can be moved out");
                        return;
                    }
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
                    host.stray(page, segv.detail());
                    return;
                }
            }
        }
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
