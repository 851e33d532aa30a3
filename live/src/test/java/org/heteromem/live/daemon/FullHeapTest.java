package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Options;
import org.heteromem.live.Pin;
import org.heteromem.live.natives.Require;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A program whose Java heap is full when the daemon answers, and that goes on when it has let go of something. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FullHeapTest {
    @TempDir
    private Path directory;

    @Test
    void aProgramWithoutHeapForAWhileKeepsItsMemory() throws Exception {
        File output = directory.resolve("out").toFile();
        // Without buffers of its own no thread has any room left when the others have none.
        Process program = Jvm.startWith(List.of("-Xmx24m", "-XX:-UseTLAB"), Program.class, output);
        assertThat(program.waitFor()).as(() -> Jvm.text(output)).isZero();
        assertThat(Jvm.text(output)).contains("all right");
    }

    /** Threads that move memory to and fro, and one that fills the heap now and then. */
    static final class Program {
        private static final int MIB = 1 << 20;
        private static final int PAGE = 4096;
        private static final int ROUNDS = 5;
        private static final int MOST_ROUNDS = 100;
        private static final long FULL_NANOS = 300_000_000;

        private final Heteromem memory;
        private final MemorySegment table;
        private final AtomicBoolean stop = new AtomicBoolean();
        private final AtomicLong answers = new AtomicLong();
        private final AtomicLong starved = new AtomicLong();

        private Program(Heteromem memory, MemorySegment table) {
            this.memory = memory;
            this.table = table;
        }

        public static void main(String[] args) throws InterruptedException {
            try (Heteromem memory = Heteromem.open(Options.ram("16M").overflow("ram", "64M"));
                    Arena arena = memory.arena()) {
                new Program(memory, arena.allocate(48 * MIB, PAGE)).run();
            }
        }

        private void run() throws InterruptedException {
            for (long at = 0; at < table.byteSize(); at += PAGE) {
                table.set(ValueLayout.JAVA_LONG, at, at + 1);
            }
            // A lambda expression whose first use finds no heap stays unusable: Java's way, whoever's it is.
            for (int i = 0; i < 20; i++) {
                move(table.asSlice(0, MIB), new Letting(false), new Letting(true));
            }
            List<Thread> movers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                MemorySegment part = table.asSlice(i * 12L * MIB, 3 * MIB);
                movers.add(Thread.ofPlatform().start(() -> move(part)));
            }
            long before = answers.get();
            for (int round = 0; round < ROUNDS || (starved.get() == 0 && round < MOST_ROUNDS); round++) {
                try {
                    fillHeap(System.nanoTime() + FULL_NANOS);
                } catch (OutOfMemoryError e) {
                    // In compiled code it may come where nothing catches it.
                    starved.incrementAndGet();
                }
                TimeUnit.MILLISECONDS.sleep(20);
            }
            stop.set(true);
            for (Thread mover : movers) {
                mover.join();
            }
            requireUnpinned();
            Require.that(answers.get() > before, "there were answers between");
            Require.that(starved.get() > 0, "the heap was full while the daemon was asked");
            for (long at = 0; at < table.byteSize(); at += PAGE) {
                Require.equal(table.get(ValueLayout.JAVA_LONG, at), at + 1, "long at " + at);
            }
            System.out.println(answers + " answers, " + starved + " times without heap, all right");
        }

        private void move(MemorySegment part) {
            // Made before: who loses sight of a pin for want of heap has lost it.
            Letting closes = new Letting(false);
            Letting cancels = new Letting(true);
            while (!stop.get()) {
                try {
                    move(part, closes, cancels);
                    answers.incrementAndGet();
                } catch (OutOfMemoryError e) {
                    starved.incrementAndGet();
                }
            }
        }

        private void move(MemorySegment part, Letting closes, Letting cancels) {
            memory.prefetch(part);
            memory.evict(part);
            closes.pinning = memory.pinAsync(part.asSlice(PAGE, 2 * PAGE));
            withHeap(closes);
            cancels.pinning = memory.pinAsync(part.asSlice(0, PAGE));
            withHeap(cancels);
        }

        /** Lets go of a pin that was asked for, whether or not it holds already. */
        private static final class Letting implements Runnable {
            final boolean cancels;
            CompletableFuture<Pin> pinning = CompletableFuture.failedFuture(new IllegalStateException("none"));

            Letting(boolean cancels) {
                this.cancels = cancels;
            }

            @Override
            public void run() {
                if (!cancels || !pinning.cancel(false)) {
                    pinning.join().close();
                }
            }
        }

        private void withHeap(Runnable work) {
            while (true) {
                try {
                    work.run();
                    return;
                } catch (OutOfMemoryError e) {
                    starved.incrementAndGet();
                }
            }
        }

        /** What is pinned stays in RAM; what was let go without waiting may still be on its way. */
        private void requireUnpinned() throws InterruptedException {
            for (int tries = 0; memory.evict(table).skipped() > 0; tries++) {
                Require.that(tries < 1000, "pages leave RAM that nobody has pinned: " + memory.residency(table));
                TimeUnit.MILLISECONDS.sleep(10);
            }
        }

        private static void fillHeap(long until) {
            Object[] kept = null;
            for (int bytes = MIB; System.nanoTime() < until; ) {
                try {
                    kept = new Object[] {kept, bytes == 0 ? null : new byte[bytes]};
                } catch (OutOfMemoryError e) {
                    bytes /= 2;
                }
            }
            Require.that(kept != null, "something was kept");
        }
    }
}
