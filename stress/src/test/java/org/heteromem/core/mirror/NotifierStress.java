package org.heteromem.core.mirror;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.heteromem.core.AddressSpace;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.wait.Waiting;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/** A driver that mirrors a page while it changes. The seeded drivers forget to ask whether it did, or ask too early. */
public final class NotifierStress {
    private static final AddressSpace SPACE =
            MemoryManager.builder().node(MemoryManager.MIN_NODE_BYTES).build().createAddressSpace();
    private static final Invalidation CHANGE = new Invalidation(Invalidation.Reason.CLEAR, SPACE, 0, Page.SIZE, null);

    private NotifierStress() {}

    /** A process of one page and a device that follows it. */
    @State
    public static class OnePage {
        private final NotifierSubscriptions subscriptions = new NotifierSubscriptions(Waiting.parking());
        private final Object lock = new Object();
        private volatile int page = 1;
        private int mirrored;
        private final IntervalNotifier notifier = subscriptions.insert(SPACE, 0, Page.SIZE, this::invalidate);

        OnePage() {}

        private void invalidate(Invalidation change, long sequence) {
            synchronized (lock) {
                notifier.setSequence(sequence);
                mirrored = 0;
            }
        }

        final void mirror(boolean asks) {
            for (; ; ) {
                long sequence = notifier.readBegin();
                int found = page;
                synchronized (lock) {
                    if (!asks || !notifier.readRetry(sequence)) {
                        mirrored = found;
                        return;
                    }
                }
            }
        }

        final void change() {
            subscriptions.start(CHANGE);
            page = 2;
            subscriptions.end();
        }

        /** {@return 1 if the mirror allows nothing that the page table does not} */
        final int sound() {
            return mirrored == 0 || mirrored == page ? 1 : 0;
        }
    }

    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "the mirror follows")
    @Outcome(expect = FORBIDDEN, desc = "the device maps what the process does not")
    @State
    public static class RetryProduct extends OnePage {
        public RetryProduct() {}

        @Actor
        public void device() {
            mirror(true);
        }

        @Actor
        public void process() {
            change();
        }

        @Arbiter
        public void after(I_Result r) {
            r.r1 = sound();
        }
    }

    @JCStressTest
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "the mirror follows")
    @Outcome(expect = FORBIDDEN, desc = "the device maps what the process does not")
    @State
    public static class RetrySeededNotAsked extends OnePage {
        public RetrySeededNotAsked() {}

        @Actor
        public void device() {
            mirror(false);
        }

        @Actor
        public void process() {
            change();
        }

        @Arbiter
        public void after(I_Result r) {
            r.r1 = sound();
        }
    }
}
