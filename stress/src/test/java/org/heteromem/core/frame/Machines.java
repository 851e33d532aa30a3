package org.heteromem.core.frame;

import org.heteromem.core.memory.FrameStore;

/** Small machines for tests of frames. */
final class Machines {
    private Machines() {}

    /** {@return a table without frames, as new; making one takes more steps than a model checker likes} */
    static FrameTable cleared(FrameTable table) {
        for (FrameRange range : table.ranges()) {
            table.remove(range);
        }
        return table;
    }

    /** Frames that count how often they are let go. */
    static final class CountingOwner implements FrameOwner {
        volatile int freed;

        @Override
        public String name() {
            return "counting";
        }

        @Override
        public FrameStore store() {
            throw new UnsupportedOperationException("these frames have no bytes");
        }

        @Override
        public boolean cpuAddressable() {
            return true;
        }

        @Override
        public boolean isDevice() {
            return false;
        }

        @Override
        public long framesInUse() {
            return 1;
        }

        @Override
        @SuppressWarnings({"NonAtomicVolatileUpdate", "NonAtomicOperationOnVolatileField"}) // once, or the test fails
        public void lastReferenceGone(long frame) {
            freed++;
        }
    }
}
