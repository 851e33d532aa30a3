package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.heteromem.core.Page;
import org.heteromem.core.memory.FrameStore;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A page that got another page's bytes would be wrong for ever; a fault that waits for another page's disk is slow for nothing. */
@Timeout(60)
class PlacementsTest {
    private static final int SLOTS = Placements.SLOTS;

    /** Pages full of their own number, which can only be read. */
    private static class Numbers implements FrameStore {
        @Override
        public long byteSize() {
            return Long.MAX_VALUE & -Page.SIZE;
        }

        @Override
        public long chunkBytes() {
            return 1 << 21;
        }

        @Override
        public @Nullable MemorySegment segment(long offset) {
            return null;
        }

        @Override
        public void read(long offset, MemorySegment target, long targetOffset, long bytes) {
            for (long at = 0; at < bytes; at += Long.BYTES) {
                target.set(ValueLayout.JAVA_LONG, targetOffset + at, Page.of(offset + at));
            }
        }

        @Override
        public void write(long offset, MemorySegment source, long sourceOffset, long bytes) {
            throw new UnsupportedOperationException("nothing is written here");
        }

        @Override
        public void zero(long offset, long bytes) {
            throw new UnsupportedOperationException("nothing is written here");
        }

        @Override
        public void close() {
            // nothing is held
        }
    }

    /** Tells that it is read, and answers only then. */
    private static final class Disk extends Numbers {
        private final CountDownLatch reading;
        private final CountDownLatch answer;

        Disk(CountDownLatch reading, CountDownLatch answer) {
            this.reading = reading;
            this.answer = answer;
        }

        @Override
        public void read(long offset, MemorySegment target, long targetOffset, long bytes) {
            reading.countDown();
            try {
                answer.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            super.read(offset, target, targetOffset, bytes);
        }
    }

    private static void assertHolds(Placements placements, long page, long number) {
        MemorySegment bytes = MemorySegment.ofAddress(placements.address(page)).reinterpret(Page.SIZE);
        assertThat(bytes.get(ValueLayout.JAVA_LONG, 0)).as("page " + page).isEqualTo(number);
        assertThat(bytes.get(ValueLayout.JAVA_LONG, Page.SIZE - Long.BYTES)).isEqualTo(number);
    }

    @Test
    void whoWaitsForADiskHoldsNobodyUp() throws InterruptedException {
        try (Placements placements = new Placements(0)) {
            CountDownLatch reading = new CountDownLatch(1);
            CountDownLatch disk = new CountDownLatch(1);
            FrameStore slow = new Disk(reading, disk);
            Thread prefetch = Thread.ofPlatform().start(() -> placements.take(0, slow, 0, Page.address(SLOTS)));
            reading.await();
            // The same slots by their numbers: returns although the others are not free before the disk has answered.
            placements.take(SLOTS + 7, new Numbers(), Page.address(1000), Page.address(3));
            assertHolds(placements, SLOTS + 8, 1001);
            disk.countDown();
            prefetch.join();
            for (int i = 0; i < SLOTS; i++) {
                assertHolds(placements, i, i);
            }
            for (int i = 0; i < 3; i++) {
                assertHolds(placements, SLOTS + 7 + i, 1000 + i);
            }
        }
    }

    @Test
    void whoTouchesAPageIsServedWhileAllWhoMoveInBulkWaitForADisk() throws InterruptedException {
        try (Placements placements = new Placements(0)) {
            int movers = Movers.MOST + 1;
            CountDownLatch reading = new CountDownLatch(movers);
            CountDownLatch disk = new CountDownLatch(1);
            FrameStore slow = new Disk(reading, disk);
            List<Thread> all = new ArrayList<>();
            for (int i = 0; i < movers; i++) {
                long first = (long) i * SLOTS;
                all.add(Thread.ofPlatform()
                        .start(() -> placements.take(first, slow, Page.address(first), Page.address(SLOTS))));
            }
            reading.await();
            long touched = (long) movers * SLOTS + 7;
            placements.take(touched, new Numbers(), Page.address(touched), Page.SIZE);
            assertHolds(placements, touched, touched);
            disk.countDown();
            for (Thread mover : all) {
                mover.join();
            }
            for (long page = 0; page < (long) movers * SLOTS; page++) {
                assertHolds(placements, page, page);
            }
        }
    }

    @Test
    void everyPageKeepsItsOwnWhereSlotsAreTakenInPart() {
        try (Placements placements = new Placements(0)) {
            placements.take(5, new Numbers(), Page.address(5), Page.SIZE);
            placements.take(9, new Numbers(), Page.address(9), Page.address(2));
            placements.take(SLOTS, new Numbers(), Page.address(SLOTS), Page.address(16));
            for (int i = 0; i < 16; i++) {
                assertHolds(placements, SLOTS + i, SLOTS + i);
            }
            assertHolds(placements, 5, 5);
            assertHolds(placements, 9, 9);
            assertHolds(placements, 10, 10);
            placements.forget(9);
            assertThat(placements.address(9)).isZero();
            assertHolds(placements, SLOTS + 9, SLOTS + 9);
        }
    }

    @Test
    void whatCannotBeReadLeavesNoSlotTaken() {
        try (Placements placements = new Placements(0)) {
            FrameStore broken = new Numbers() {
                @Override
                public void read(long offset, MemorySegment target, long targetOffset, long bytes) {
                    throw new IllegalStateException("broken");
                }
            };
            for (int i = 0; i < 2 * Placements.BANKS; i++) {
                long page = (long) i * SLOTS;
                assertThatExceptionOfType(IllegalStateException.class)
                        .isThrownBy(() -> placements.take(page, broken, 0, Page.address(4)));
                assertThat(placements.address(page)).isZero();
            }
            placements.take(1, new Numbers(), Page.address(1), Page.SIZE);
            assertHolds(placements, 1, 1);
        }
    }
}
