package org.heteromem.live.client;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Pin;
import org.heteromem.live.doctor.Tier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Arenas of managed memory, whose faults another process serves. Their rules are held against the JDK's own arenas. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ArenasTest {
    private static final long LIMIT = 256L << 20;
    private static final int PATIENCE_SECONDS = 60;

    private ZeroDaemonProcess daemon;
    private Heteromem memory;

    @BeforeEach
    void open() throws Exception {
        daemon = new ZeroDaemonProcess(LIMIT);
        memory = daemon.open();
    }

    @AfterEach
    void close() throws Exception {
        memory.close();
        daemon.close();
    }

    @Test
    void pagesThatAreMadeIdleKeepWhatTheyHoldAndTheirNextUseIsAFault() {
        try (Arena arena = memory.arena()) {
            int pages = 20;
            MemorySegment segment = arena.allocate(pages * 4096L, 4096);
            for (int i = 0; i < pages; i++) {
                segment.set(JAVA_BYTE, i * 4096L, (byte) (i + 1));
            }
            long before = counter("minor_faults");
            memory.evict(segment.asSlice(4096, 8 * 4096));
            for (int i = 0; i < pages; i++) {
                assertThat(segment.get(JAVA_BYTE, i * 4096L)).isEqualTo((byte) (i + 1));
            }
            // Without the right to serve system calls a page that was brought home for one must be there.
            assertThat(counter("minor_faults") - before).isEqualTo(memory.tier() == Tier.FULL ? 8 : 0);
            assertThat(memory.isConnected()).as("notices of what is not there").isTrue();
        }
    }

    /** What a program can see of an arena's rules, as the class of what is thrown, or {@code none}. */
    private static Map<String, String> rules(Supplier<Arena> arenas) {
        Map<String, String> seen = new LinkedHashMap<>();
        Arena arena = arenas.get();
        MemorySegment segment = arena.allocate(100, 8);
        seen.put("negative size", thrown(() -> arena.allocate(-1, 8)));
        seen.put("alignment 0", thrown(() -> arena.allocate(8, 0)));
        seen.put("alignment 3", thrown(() -> arena.allocate(8, 3)));
        seen.put("alignment negative", thrown(() -> arena.allocate(8, Long.MIN_VALUE)));
        seen.put("past the end", thrown(() -> segment.get(JAVA_BYTE, 100)));
        seen.put("zero bytes", String.valueOf(arena.allocate(0, 64).byteSize()));
        seen.put("zero bytes aligned", String.valueOf(arena.allocate(0, 64).address() % 64));
        seen.put("use by another thread", thrownElsewhere(() -> segment.get(JAVA_BYTE, 0)));
        seen.put("allocate by another thread", thrownElsewhere(() -> arena.allocate(8, 8)));
        seen.put("close by another thread", thrownElsewhere(() -> {
            if (arena.scope().isAlive() && !segment.isAccessibleBy(Thread.currentThread())) {
                arena.close();
            }
        }));
        seen.put("alive", String.valueOf(segment.scope().isAlive()));
        seen.put("same scope", String.valueOf(segment.scope().equals(arena.scope())));
        seen.put("close", thrown(arena::close));
        seen.put("alive after close", String.valueOf(segment.scope().isAlive()));
        seen.put("use after close", thrown(() -> segment.get(JAVA_BYTE, 0)));
        seen.put("allocate after close", thrown(() -> arena.allocate(8, 8)));
        seen.put("no bytes after close", thrown(() -> arena.allocate(0, 8)));
        seen.put("close again", thrown(arena::close));
        return seen;
    }

    private static String thrown(Runnable run) {
        Throwable t = catchThrowable(run::run);
        return t == null ? "none" : t.getClass().getName();
    }

    private static String thrownElsewhere(Runnable run) {
        return CompletableFuture.supplyAsync(() -> thrown(run)).join();
    }

    @Test
    void rulesAreThoseOfTheArenasOfTheJdk() {
        assertThat(rules(memory::confinedArena)).isEqualTo(rules(Arena::ofConfined));
        assertThat(rules(memory::sharedArena)).isEqualTo(rules(Arena::ofShared));
        assertThat(rules(memory::autoArena)).isEqualTo(rules(Arena::ofAuto));
    }

    /** Many arenas that come and go: every allocation is zero, aligned and nobody else's. */
    @Test
    void memoryIsZeroAlignedAndDisjoint() {
        long seed = Long.getLong("heteromem.seed", System.nanoTime());
        try {
            run(new Random(seed));
        } catch (Throwable t) {
            throw new AssertionError("seed " + seed + " (repeat with -Dheteromem.seed=" + seed + ")", t);
        }
        assertThat(counter("committed_bytes")).isZero();
        assertThat(counter("regions")).isLessThanOrEqualTo(1);
    }

    private void run(Random random) {
        record Piece(MemorySegment segment, byte pattern) {}
        Map<Arena, List<Piece>> open = new LinkedHashMap<>();
        for (int step = 0; step < 600; step++) {
            List<Arena> arenas = new ArrayList<>(open.keySet());
            if (arenas.isEmpty() || random.nextInt(20) == 0) {
                open.put(random.nextBoolean() ? memory.confinedArena() : memory.sharedArena(), new ArrayList<>());
            } else if (random.nextInt(30) == 0) {
                Arena ending = arenas.get(random.nextInt(arenas.size()));
                for (Piece piece : Objects.requireNonNull(open.remove(ending))) {
                    assertFilled(piece.segment, piece.pattern);
                }
                ending.close();
            } else {
                Arena arena = arenas.get(random.nextInt(arenas.size()));
                long bytes = 1L + random.nextInt(1 << random.nextInt(17));
                long alignment = 1L << random.nextInt(random.nextInt(10) == 0 ? 16 : 8);
                MemorySegment segment = arena.allocate(bytes, alignment);
                assertThat(segment.address() % alignment).isZero();
                assertThat(segment.byteSize()).isEqualTo(bytes);
                assertFilled(segment, (byte) 0);
                byte pattern = (byte) (1 + random.nextInt(100));
                segment.fill(pattern);
                Objects.requireNonNull(open.get(arena)).add(new Piece(segment, pattern));
            }
        }
        open.forEach((arena, pieces) -> {
            pieces.forEach(piece -> assertFilled(piece.segment, piece.pattern));
            arena.close();
        });
    }

    private static void assertFilled(MemorySegment segment, byte value) {
        for (long i = 0; i < segment.byteSize(); i++) {
            if (segment.get(JAVA_BYTE, i) != value) {
                throw new AssertionError(
                        "byte " + i + " of " + segment + " is " + segment.get(JAVA_BYTE, i) + ", not " + value);
            }
        }
    }

    @Test
    void largeAndWidelyAlignedAllocationsAreUnmappedWhenFreed() throws Exception {
        long before = mapped();
        try (Arena arena = memory.arena()) {
            MemorySegment large = arena.allocate(100L << 20, 8);
            large.set(JAVA_LONG, (100L << 20) - 8, 1);
            assertThat(arena.allocate(5000, 32L << 20).address() % (32L << 20)).isZero();
            assertThat(mapped()).isGreaterThanOrEqualTo(before + (100L << 20));
        }
        assertThat(counter("committed_bytes")).isZero();
        assertThat(mapped()).isLessThanOrEqualTo(before + RegionPool.SLAB_BYTES);
    }

    /** Bytes of this process's regions, by the kernel's word. */
    private static long mapped() throws Exception {
        return java.nio.file.Files.readString(java.nio.file.Path.of("/proc/self/maps"))
                .lines()
                .filter(line -> line.contains("/memfd:heteromem-"))
                .mapToLong(line -> {
                    String[] range = line.split("[- ]", 3);
                    return Long.parseUnsignedLong(range[1], 16) - Long.parseUnsignedLong(range[0], 16);
                })
                .sum();
    }

    @Test
    void smallAllocationsShareThePagesOfTheirArena() {
        try (Arena arena = memory.confinedArena()) {
            for (int i = 0; i < 1000; i++) {
                arena.allocate(16, 8);
            }
            assertThat(counter("committed_bytes")).isLessThanOrEqualTo(64 << 10);
        }
    }

    @Test
    void whatDoesNotFitIsAnErrorThatSaysWhy() {
        Arena first = memory.arena();
        first.allocate(LIMIT - (8 << 10), 8);
        try (Arena arena = memory.confinedArena()) {
            assertThatExceptionOfType(OutOfMemoryError.class)
                    .isThrownBy(() -> arena.allocate(1 << 20, 8))
                    .withMessageContaining("cannot allocate 1048576 bytes")
                    .withMessageContaining("of " + LIMIT + " bytes")
                    .withMessageContaining("close arenas");
            // A chunk does not fit any more, a page does.
            arena.allocate(100, 8).fill((byte) 1);
            for (long huge :
                    new long[] {Long.MAX_VALUE, Long.MAX_VALUE - 4096, 1L << 46, ZeroDaemon.MAX_REGION_BYTES + 1}) {
                assertThatExceptionOfType(OutOfMemoryError.class)
                        .isThrownBy(() -> arena.allocate(huge, 8))
                        .withMessageContaining("cannot allocate " + huge);
            }
            assertThatExceptionOfType(OutOfMemoryError.class)
                    .isThrownBy(() -> arena.allocate(8, 1L << 62))
                    .withMessageContaining("aligned to");
            first.close();
            arena.allocate(LIMIT / 2, 8).set(JAVA_BYTE, LIMIT / 2 - 1, (byte) 1);
        }
        assertThat(counter("committed_bytes")).isZero();
    }

    @Test
    void anAutomaticArenaIsFreedWhenNobodyHasASegmentOfIt() throws Exception {
        MemorySegment kept = memory.autoArena().allocate(4096, 8);
        kept.set(JAVA_LONG, 8, 77);
        for (int i = 0; i < 10; i++) {
            memory.autoArena().allocate(1 << 20, 8).set(JAVA_LONG, 0, i);
        }
        assertThat(counter("committed_bytes")).isGreaterThan(10 << 20);
        awaitThat(() -> {
            System.gc();
            return counter("committed_bytes") < 1 << 20;
        });
        assertThat(kept.get(JAVA_LONG, 8)).isEqualTo(77);
    }

    /** Each read is either before the close, and right, or after it, and refused; the close waits for those under way. */
    @Test
    void closingWhileOthersReadEndsTheirReads() throws Exception {
        for (int round = 0; round < 10; round++) {
            Arena arena = memory.sharedArena();
            MemorySegment segment = arena.allocate(8 << 20, 8);
            CountDownLatch reading = new CountDownLatch(2);
            Consumer<Integer> reader = start -> {
                for (long at = start; ; at = (at + 4096 + 8) % (segment.byteSize() - 8) & -8) {
                    assertThat(segment.get(JAVA_LONG, at)).isZero(); // most of these are faults
                    reading.countDown();
                }
            };
            var one = CompletableFuture.runAsync(() -> reader.accept(0));
            var other = CompletableFuture.runAsync(() -> reader.accept(4 << 20));
            reading.await();
            arena.close();
            for (var future : List.of(one, other)) {
                assertThatExceptionOfType(ExecutionException.class)
                        .isThrownBy(() -> future.get(PATIENCE_SECONDS, TimeUnit.SECONDS))
                        .withCauseInstanceOf(IllegalStateException.class)
                        .withMessageContaining("Already closed");
            }
        }
        assertThat(counter("committed_bytes")).isZero();
    }

    @Test
    void anArenaThatASystemCallUsesRefusesToCloseAndStaysWhole() throws Exception {
        Arena arena = memory.sharedArena();
        MemorySegment segment = arena.allocate(4096, 8);
        segment.set(JAVA_LONG, 8, 5);
        Pipe pipe = Pipe.open();
        Thread reading = new Thread(() -> {
            try {
                pipe.source().read(segment.asSlice(0, 8).asByteBuffer());
            } catch (java.io.IOException e) {
                throw new AssertionError(e);
            }
        });
        reading.start();
        awaitThat(() -> {
            for (StackTraceElement frame : reading.getStackTrace()) {
                if (frame.getMethodName().contains("read0")) {
                    return true;
                }
            }
            return false;
        });
        assertThatIllegalStateException().isThrownBy(arena::close);
        assertThat(segment.get(JAVA_LONG, 8)).isEqualTo(5);
        assertThat(counter("committed_bytes")).isPositive();
        pipe.sink().write(ByteBuffer.wrap(new byte[8]));
        reading.join();
        arena.close();
        assertThat(counter("committed_bytes")).isZero();
    }

    @Test
    void aPinKeepsItsArenaOpen() {
        Arena arena = memory.sharedArena();
        MemorySegment segment = arena.allocate(64 << 10, 8);
        Pin pin = memory.pin(segment);
        Pin second = memory.pinAsync(segment.asSlice(4090, 100)).join();
        assertThat(memory.residency(segment).ram()).isEqualTo(16);
        assertThat(counter("pinned_bytes")).isEqualTo((64 << 10) + 8192);
        assertThatIllegalStateException().isThrownBy(arena::close).withMessageContaining("2 pins");
        assertThat(segment.get(JAVA_LONG, 0)).isZero();
        pin.close();
        pin.close();
        second.closeAsync().join();
        assertThat(counter("pinned_bytes")).isZero();
        arena.close();
        assertThatIllegalStateException().isThrownBy(() -> memory.pin(segment));
        memory.pin(MemorySegment.NULL).close();
    }

    @Test
    void aPinIsClosedByAnyThread() {
        for (int round = 0; round < 100; round++) {
            Arena arena = memory.confinedArena();
            MemorySegment segment = arena.allocate(8192, 4096);
            Pin pin = memory.pin(segment);
            assertThat(thrownElsewhere(pin::close)).isEqualTo("none");
            memory.pinAsync(segment).thenAccept(Pin::close).join();
            assertThat(counter("pinned_bytes")).isZero();
            arena.close();
        }
    }

    @Test
    void aPinWhoseFutureIsCancelledEnds() throws Exception {
        for (int round = 0; round < 50; round++) {
            Arena arena = memory.sharedArena();
            CompletableFuture<Pin> pin = memory.pinAsync(arena.allocate(8192, 4096));
            if (!pin.cancel(false)) {
                pin.join().close();
            }
            awaitThat(() -> counter("pinned_bytes") == 0);
            awaitThat(() -> {
                thrown(arena::close);
                return !arena.scope().isAlive();
            });
        }
    }

    @Test
    void aPinEndsAlsoIfItsArenaIsClosedAtTheSameMoment() {
        for (int round = 0; round < 500; round++) {
            Arena arena = memory.sharedArena();
            Pin pin = memory.pin(arena.allocate(100, 8));
            CompletableFuture<String> closing = CompletableFuture.supplyAsync(() -> thrown(pin::close));
            while (arena.scope().isAlive()) {
                thrown(arena::close);
            }
            assertThat(closing.join()).isEqualTo("none");
            assertThat(counter("pinned_bytes")).isZero();
        }
    }

    @Test
    void requestsTakeManagedMemoryOfAnOpenArenaOnly() {
        try (Arena plain = Arena.ofConfined();
                Arena arena = memory.confinedArena()) {
            MemorySegment foreign = plain.allocate(8, 8);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> memory.prefetch(foreign))
                    .withMessageContaining("0x" + Long.toHexString(foreign.address()))
                    .withMessageContaining("not memory of an arena of this Heteromem");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> memory.evict(MemorySegment.ofArray(new byte[8])))
                    .withMessageContaining("Java heap");
            MemorySegment segment = arena.allocate(1 << 20, 8);
            assertThat(thrownElsewhere(() -> memory.prefetch(segment))).isEqualTo(WrongThreadException.class.getName());
            assertThat(memory.residency(segment).absent()).isEqualTo(256);
            assertThat(memory.prefetch(segment.asSlice(4095, 2), segment.asSlice(1 << 19))
                            .pages())
                    .isEqualTo(2 + 128);
            assertThat(memory.residencyAsync(segment).join().ram()).isEqualTo(2 + 128);
            assertThat(memory.prefetch().pages()).isZero();
            memory.touch(segment);
            assertThat(memory.residency(segment).ram()).isEqualTo(256);
        }
    }

    @Test
    void manyThreadsShareAnArenaWhileTheCollectorRuns() throws Exception {
        try (Arena arena = memory.sharedArena()) {
            List<CompletableFuture<Void>> all = new ArrayList<>();
            for (int thread = 0; thread < 4; thread++) {
                byte pattern = (byte) (thread + 1);
                all.add(CompletableFuture.runAsync(() -> {
                    List<MemorySegment> mine = new ArrayList<>();
                    for (int i = 0; i < 1000; i++) {
                        MemorySegment segment = arena.allocate(1 + i * 7 % 3000, 16);
                        assertFilled(segment, (byte) 0);
                        mine.add(segment.fill(pattern));
                        if (i % 100 == 0) {
                            System.gc();
                        }
                    }
                    mine.forEach(segment -> assertFilled(segment, pattern));
                }));
            }
            for (var future : all) {
                future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            }
        }
        assertThat(counter("committed_bytes")).isZero();
    }

    private long counter(String name) {
        return Objects.requireNonNull(
                memory.status().subjects().getFirst().counters().get(name), name);
    }

    private static void awaitThat(java.util.concurrent.Callable<Boolean> condition) throws Exception {
        for (int i = 0; i < PATIENCE_SECONDS * 100; i++) {
            if (condition.call()) {
                return;
            }
            Thread.sleep(10);
        }
        throw new AssertionError("waited " + PATIENCE_SECONDS + " s");
    }
}
