package org.heteromem.live;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.heteromem.live.daemon.RawCalls;
import org.heteromem.live.doctor.Tier;
import org.heteromem.live.natives.Processes;
import org.heteromem.live.natives.Require;

/**
 * What a program sees of memory that is larger than its RAM, with a private daemon. Needs no test library, so that it runs in
 * JVMs of other users too.
 */
enum LiveScenario {
    FOUR_TIMES_THE_RAM_IS_WRITTEN_AND_READ {
        @Override
        void run(Heteromem memory) {
            try (Arena arena = memory.arena()) {
                MemorySegment table = arena.allocate(4 * RAM, 64);
                long longs = table.byteSize() / 8;
                for (long i = 0; i < longs; i++) {
                    table.setAtIndex(JAVA_LONG, i, i * 31);
                }
                Residency where = memory.residency(table);
                Require.that(where.ram() <= RAM / PAGE, "at most the budget in RAM: " + where);
                Require.that(where.onDevices() >= 3 * RAM / PAGE, "the rest on devices: " + where);
                Require.equal(where.pages(), 4 * RAM / PAGE, "pages of " + where);
                for (long i = 0; i < longs; i++) {
                    Require.equal(table.getAtIndex(JAVA_LONG, i), i * 31, "long " + i);
                }
                Status status = memory.status();
                Require.equal(status.subjects().getFirst().pid(), memory.daemonPid(), "whose status comes first");
                Status.Subject mine = status.subjects().getLast();
                Require.equal(mine.pid(), ProcessHandle.current().pid(), "whose status follows");
                Require.equal(mine.counters().getOrDefault("ram.limit", 0L), RAM, "RAM in " + mine);
                Require.that(mine.counters().getOrDefault("bytes.out", 0L) >= 3 * RAM, "what went out in " + mine);
            }
        }
    },
    MEMORY_IS_ZERO_AND_COMES_BACK_WHEN_FREED {
        @Override
        void run(Heteromem memory) {
            for (int round = 0; round < 6; round++) { // together more than RAM and overflow
                try (Arena arena = memory.confinedArena()) {
                    MemorySegment table = arena.allocate(OVERFLOW / 2, 8);
                    for (long at = 0; at < table.byteSize(); at += PAGE) {
                        Require.equal(table.get(JAVA_LONG, at + 8), 0, "fresh memory at " + at + " in round " + round);
                        table.set(JAVA_LONG, at + 8, -1);
                    }
                }
            }
        }
    },
    MEMORY_IS_MADE_AHEAD_OF_A_PROGRAM_THAT_FILLS_IT {
        @Override
        void run(Heteromem memory) {
            try (Arena arena = memory.arena()) {
                MemorySegment filled = arena.allocate(RAM / 4, 1 << 21);
                long pages = filled.byteSize() / PAGE;
                long before = faults(memory);
                number(filled);
                long stops = faults(memory) - before;
                Require.that(stops < pages / 16, stops + " stops for " + pages + " pages");
                for (long page = 0; page < pages; page++) {
                    Require.equal(filled.get(JAVA_LONG, page * PAGE), page + 1, "page " + page);
                    Require.equal(filled.get(JAVA_LONG, page * PAGE + 8), 0, "the rest of page " + page);
                }
                MemorySegment begun = arena.allocate(RAM / 4, 1 << 21);
                for (long page = 0; page < pages / 2; page++) {
                    begun.set(JAVA_LONG, page * PAGE, 1);
                }
                long unasked = memory.residency(begun).ram() - pages / 2;
                Require.that(unasked >= 0 && unasked <= 128, unasked + " pages that were not touched");
                MemorySegment scattered = arena.allocate(RAM / 4, 1 << 21);
                for (long page = 1; page < pages; page += 2) {
                    scattered.set(JAVA_LONG, page * PAGE, 1);
                }
                Require.equal(
                        memory.residency(scattered).ram(), pages / 2, "pages in RAM that were touched out of order");
            }
        }
    },
    MEMORY_IS_MADE_AHEAD_WHERE_RAM_IS_SHORT {
        @Override
        void run(Heteromem memory) {
            try (Arena arena = memory.arena()) {
                // A word a page: nothing can leave as quickly as this is filled.
                MemorySegment filled = arena.allocate(4 * RAM, 1 << 21);
                long pages = filled.byteSize() / PAGE;
                long before = faults(memory);
                number(filled);
                long stops = faults(memory) - before;
                // One for each run of 32, and some until runs are so long.
                Require.that(stops <= pages / 33 + 20, stops + " stops for " + pages + " pages");
                requireNumbered(filled);
            }
        }
    },
    PAGES_IN_USE_STAY_WHERE_ACCESSES_ARE_SAMPLED {
        @Override
        Options options() {
            return Options.ram(4 * RAM).overflow("ram", 2 * OVERFLOW).victims("fifo+sampling");
        }

        @Override
        void run(Heteromem memory) throws InterruptedException {
            try (Arena arena = memory.arena()) {
                MemorySegment hot = arena.allocate(HOT_PAGES * PAGE, 1 << 21);
                for (long page = 0; page < HOT_PAGES; page++) {
                    hot.set(JAVA_LONG, page * PAGE, page);
                }
                // Out of order, as what is read in sequence is not taken for hot. Nothing of the table comes back
                // meanwhile.
                MemorySegment table = arena.allocate(16 * RAM, 1 << 21);
                for (long page = 0; page < table.byteSize() / PAGE; page++) {
                    table.set(JAVA_LONG, page * PAGE, ~page);
                    long mixed = page * 37 % HOT_PAGES;
                    Require.equal(hot.get(JAVA_LONG, mixed * PAGE), mixed, "page " + mixed + " in use");
                    if (page % HOT_PAGES == 0) {
                        // Else pages come and go more quickly than anybody can be told of them.
                        awaitHeadroom(memory);
                    }
                }
                Status.Subject mine = memory.status().subjects().getLast();
                long missed = mine.counters().getOrDefault("refaults", -1L);
                long seen = mine.counters().getOrDefault("pages.accessed", -1L);
                // Three times each, of those that nobody looks for: RAM has been filled four times.
                long leaving = 3 * HOT_PAGES;
                if (memory.tier() == Tier.FULL) {
                    Require.that(missed < leaving / 2 && seen > HOT_PAGES, missed + " missed and " + seen + " seen");
                } else {
                    Require.that(missed >= leaving && seen == 0, missed + " missed and " + seen + " seen");
                }
                for (long page = 0; page < table.byteSize() / PAGE; page++) {
                    Require.equal(table.get(JAVA_LONG, page * PAGE), ~page, "page " + page);
                }
            }
        }
    },
    PAGES_THAT_ARE_TAKEN_OUT_OF_THE_TABLE_ARE_MAPPED_AGAIN {
        @Override
        void run(Heteromem memory) {
            try (Arena arena = memory.arena()) {
                long pages = 24;
                MemorySegment some = arena.allocate(pages * PAGE, PAGE);
                for (long page = 0; page < pages; page++) {
                    some.set(JAVA_LONG, page * PAGE, page);
                }
                // Pinned pages, clean ones that a device has too, and others; as the system does when it swaps.
                try (Pin _ = memory.pin(some.asSlice(0, 8 * PAGE))) {
                    memory.evict(some.asSlice(8 * PAGE, 8 * PAGE));
                    for (int round = 0; round < 3; round++) {
                        for (long page = 8; page < 16; page++) {
                            Require.equal(some.get(JAVA_LONG, page * PAGE), page + round, "page " + page);
                        }
                        RawCalls.advise(some.address(), some.byteSize(), RawCalls.MADV_DONTNEED);
                        for (long page = 0; page < pages; page++) {
                            Require.equal(some.get(JAVA_LONG, page * PAGE), page + round, "page " + page);
                        }
                        RawCalls.advise(some.address(), some.byteSize(), RawCalls.MADV_DONTNEED);
                        for (long page = 0; page < pages; page++) {
                            some.set(JAVA_LONG, page * PAGE, page + round + 1);
                        }
                    }
                }
            }
        }
    },
    MORE_THAN_THERE_IS_IS_AN_ERROR {
        @Override
        void run(Heteromem memory) {
            try (Arena arena = memory.arena()) {
                try {
                    arena.allocate(2 * (RAM + OVERFLOW), 8);
                    throw new AssertionError("there was room");
                } catch (OutOfMemoryError e) {
                    String words = String.valueOf(e.getMessage());
                    Require.that(words.contains("cannot allocate " + 2 * (RAM + OVERFLOW) + " bytes"), words);
                }
                arena.allocate(RAM, 8).fill((byte) 1);
            }
        }
    },
    EVICTED_MEMORY_IS_PREFETCHED_AND_PINNED {
        @Override
        void run(Heteromem memory) {
            try (Arena arena = memory.arena()) {
                MemorySegment part = arena.allocate(RAM / 4, 4096).fill((byte) 7);
                long pages = part.byteSize() / PAGE;
                memory.evict(part);
                Require.equal(memory.residency(part).onDevices(), pages, "pages on devices after evicting");
                memory.prefetchAsync(part).join();
                Require.equal(memory.residency(part).ram(), pages, "pages in RAM after prefetching");
                memory.evict(part);
                try (Pin _ = memory.pin(part)) {
                    Require.equal(memory.residency(part).ram(), pages, "pages in RAM after pinning");
                    arena.allocate(2 * RAM, 8).fill((byte) 1); // pushes out whatever can go
                    Moved moved = memory.evict(part);
                    Require.equal(moved.pages(), 0, "pinned pages that were evicted");
                    Require.equal(moved.skipped(), pages, "pinned pages that were not evicted");
                    Require.equal(memory.residency(part).ram(), pages, "pinned pages in RAM under pressure");
                }
                Require.equal(memory.evict(part).skipped(), 0, "pages that were not evicted when no longer pinned");
                Require.equal(memory.residency(part).ram(), 0, "pages in RAM when no longer pinned");
                for (long i = 0; i < part.byteSize(); i++) {
                    Require.equal(part.get(JAVA_BYTE, i), 7, "byte " + i);
                }
            }
        }
    },
    AT_MOST_HALF_OF_RAM_IS_PREFETCHED_OR_PINNED {
        @Override
        void run(Heteromem memory) {
            try (Arena arena = memory.arena()) {
                MemorySegment large = arena.allocate(2 * RAM, 4096).fill((byte) 7);
                memory.evict(large);
                Moved moved = memory.prefetch(large);
                Require.that(moved.pages() > 0 && moved.pages() <= RAM / 2 / PAGE, "half of RAM, not " + moved);
                Require.that(moved.skipped() >= RAM / PAGE, "what RAM cannot hold in " + moved);
                try (Pin _ = memory.pin(large.asSlice(0, RAM / 2))) {
                    memory.pin(large.asSlice(RAM / 2, PAGE)).close();
                    throw new AssertionError("more than half of RAM was pinned");
                } catch (RefusedException e) {
                    Require.that(String.valueOf(e.getMessage()).contains("half of the RAM"), e.toString());
                }
                memory.touch(large.asSlice(0, RAM / 2));
            }
        }
    },
    A_PREFETCH_INTO_FULL_RAM_BRINGS_ALL_THAT_IT_MAY {
        @Override
        void run(Heteromem memory) {
            try (Arena arena = memory.arena()) {
                MemorySegment table = arena.allocate(4 * RAM, 1 << 21);
                number(table);
                for (int round = 0; round < 6; round++) {
                    MemorySegment part = table.asSlice(round * RAM / 2, RAM / 2);
                    long there = memory.residency(part).ram();
                    Moved moved = memory.prefetch(part);
                    Require.equal(moved.skipped(), 0, "pages left on the device in round " + round);
                    Require.equal(moved.pages(), RAM / 2 / PAGE - there, "pages that came in round " + round);
                }
                requireNumbered(table);
            }
        }
    },
    WHAT_A_FULL_DEVICE_DOES_NOT_TAKE_GOES_TO_THE_NEXT {
        @Override
        Options options() {
            return Options.ram(4 * RAM).overflow("ram", 3L << 20).overflow("ram", OVERFLOW / 4);
        }

        @Override
        void run(Heteromem memory) {
            try (Arena arena = memory.arena()) {
                MemorySegment table = arena.allocate(3 * RAM, 1 << 21);
                long pages = table.byteSize() / PAGE;
                number(table);
                // Both together hold that, and not more than that.
                MemorySegment fits = table.asSlice(0, OVERFLOW / 4);
                long block = 512 * PAGE;
                try (Pin _ = memory.pin(fits.asSlice(3 * block, block))) {
                    Moved moved = memory.evict(fits);
                    Require.equal(moved.skipped(), 512, "pages that stayed, of which 512 are pinned");
                    Require.equal(moved.pages(), fits.byteSize() / PAGE - 512, "pages that went");
                }
                Require.equal(memory.evict(fits).skipped(), 0, "pages that stayed though a device had room");
                Moved rest = memory.evict(table);
                long held = (OVERFLOW / 4 + (3L << 20)) / PAGE;
                Require.that(rest.skipped() >= pages - held, "what no device takes stays: " + rest);
                Require.equal(memory.residency(table).ram(), rest.skipped(), "pages in RAM");
                requireNumbered(table);
            }
        }
    },
    MEMORY_GOES_WHERE_ADVICE_SENDS_IT {
        @Override
        void run(Heteromem memory) {
            try (Arena arena = memory.arena()) {
                MemorySegment part = arena.allocate(RAM / 8, 4096).fill((byte) 7);
                long pages = part.byteSize() / PAGE;
                memory.advise(part, Advice.COLD);
                Require.equal(memory.residency(part).onDevices(), pages, "pages on devices when cold");
                for (Advice advice : List.of(Advice.NORMAL, Advice.RANDOM, Advice.READ_MOSTLY)) {
                    memory.advise(part, advice);
                }
                Require.equal(memory.residency(part).onDevices(), pages, "pages on devices when nothing follows");
                memory.adviseAsync(part, Advice.HOT).join();
                Require.equal(memory.residency(part).ram(), pages, "pages in RAM when hot");
                memory.advise(part, Advice.COLD);
                memory.advise(part, Advice.SEQUENTIAL);
                Require.equal(memory.residency(part).ram(), pages, "pages in RAM when read in sequence");
                memory.advise(part.asSlice(0, 0), Advice.COLD);
                for (long i = 0; i < part.byteSize(); i++) {
                    Require.equal(part.get(JAVA_BYTE, i), 7, "byte " + i);
                }
            }
        }
    },
    PINS_ARE_CLOSED_BY_OTHER_THREADS_AND_THEIR_PAGES_USED_AGAIN {
        @Override
        void run(Heteromem memory) {
            for (int round = 0; round < 20; round++) {
                try (Arena arena = memory.confinedArena()) {
                    MemorySegment part = arena.allocate(RAM / 8, 4096);
                    Require.equal(part.get(JAVA_LONG, 0), 0, "fresh memory in round " + round);
                    Pin pin = memory.pin(part);
                    CompletableFuture.runAsync(pin::close).join();
                    memory.pinAsync(part).thenAccept(Pin::close).join();
                    part.fill((byte) 1);
                    memory.evict(part);
                    Require.equal(memory.residency(part).ram(), 0, "pages in RAM in round " + round);
                }
            }
        }
    },
    AN_AUTOMATIC_ARENA_IS_EVICTED_AND_ITS_MEMORY_COMES_BACK {
        @Override
        void run(Heteromem memory) throws Exception {
            for (int round = 0; round < 4; round++) { // together more than RAM and overflow
                use(allocate(memory), round);
            }
        }

        private static void use(MemorySegment table, long round) {
            for (long page = 0; page < table.byteSize() / PAGE; page++) {
                Require.equal(table.get(JAVA_LONG, page * PAGE + 8), 0, "fresh memory of page " + page);
                table.set(JAVA_LONG, page * PAGE + 8, round << 32 | page + 1);
            }
            for (long page = 0; page < table.byteSize() / PAGE; page++) {
                Require.equal(table.get(JAVA_LONG, page * PAGE + 8), round << 32 | page + 1, "page " + page);
            }
        }

        private static MemorySegment allocate(Heteromem memory) throws InterruptedException {
            for (int tries = 0; ; tries++) {
                try {
                    return memory.autoArena().allocate(OVERFLOW / 2, 8);
                } catch (OutOfMemoryError e) {
                    if (tries == 1000) {
                        throw e;
                    }
                    System.gc();
                    Thread.sleep(10);
                }
            }
        }
    },
    AN_ARENA_IS_CLOSED_WHILE_THREADS_READ_WHAT_IS_EVICTED {
        @Override
        void run(Heteromem memory) throws Exception {
            for (int round = 0; round < 4; round++) {
                Arena arena = memory.sharedArena();
                MemorySegment table = arena.allocate(2 * RAM, 8);
                for (long page = 0; page < table.byteSize() / PAGE; page++) {
                    Require.equal(table.get(JAVA_LONG, page * PAGE), 0, "fresh memory of page " + page);
                    table.set(JAVA_LONG, page * PAGE, page + 1);
                }
                memory.evict(table);
                CountDownLatch reading = new CountDownLatch(200);
                List<CompletableFuture<Void>> readers = new ArrayList<>();
                for (int thread = 0; thread < 2; thread++) {
                    readers.add(CompletableFuture.runAsync(() -> {
                        while (true) {
                            long page = ThreadLocalRandom.current().nextLong(table.byteSize() / PAGE);
                            Require.equal(table.get(JAVA_LONG, page * PAGE), page + 1, "page " + page);
                            reading.countDown();
                        }
                    }));
                }
                reading.await();
                arena.close();
                for (CompletableFuture<Void> reader : readers) {
                    Throwable end = reader.handle((_, thrown) -> thrown).join();
                    Require.that(
                            end.getCause() instanceof IllegalStateException, "a reader is told of the end, not " + end);
                }
            }
        }
    },
    BURSTS_OF_REQUESTS_COST_NOTHING {
        @Override
        void run(Heteromem memory) {
            try (Arena arena = memory.arena()) {
                MemorySegment table = arena.allocate(2 * RAM, 4096);
                number(table);
                List<CompletableFuture<Void>> all = new ArrayList<>();
                for (int thread = 0; thread < 3; thread++) {
                    all.add(CompletableFuture.runAsync(
                            () -> {
                                List<CompletableFuture<?>> asked = new ArrayList<>();
                                for (int i = 0; i < 2_000; i++) {
                                    MemorySegment page = table.asSlice(i % (table.byteSize() / PAGE) * PAGE, PAGE);
                                    asked.add(memory.adviseAsync(page, Advice.NORMAL));
                                }
                                asked.forEach(CompletableFuture::join);
                            },
                            task -> Thread.ofPlatform().start(task)));
                }
                while (!all.stream().allMatch(CompletableFuture::isDone)) {
                    System.gc();
                }
                all.forEach(CompletableFuture::join);
                requireNumbered(table);
            }
        }
    },
    PINS_OF_THE_SAME_PAGES_COUNT {
        @Override
        void run(Heteromem memory) {
            try (Arena arena = memory.arena()) {
                MemorySegment small = arena.allocate(64, 64);
                MemorySegment beside = arena.allocate(64, 64); // in the same page
                Pin first = memory.pin(small);
                Pin second = memory.pin(beside);
                Pin third = memory.pin(small);
                first.close();
                third.close();
                memory.evict(beside);
                Require.equal(memory.residency(beside).ram(), 1, "pages in RAM with one pin left");
                second.close();
                beside.set(JAVA_LONG, 0, 5);
            }
        }
    },
    A_SYSTEM_CALL_MEETS_EVICTED_MEMORY {
        @Override
        void run(Heteromem memory) throws Exception {
            try (Arena arena = memory.arena();
                    FileChannel zero = FileChannel.open(Path.of("/dev/zero"), StandardOpenOption.READ)) {
                MemorySegment segment = arena.allocate(1 << 20, 4096).fill((byte) 9);
                ByteBuffer buffer = segment.asByteBuffer();
                memory.evict(segment);
                if (memory.tier() == Tier.FULL) {
                    Require.equal(zero.read(buffer.duplicate()), 1 << 20, "bytes read into evicted memory");
                } else {
                    try {
                        zero.read(buffer.duplicate());
                        throw new AssertionError("a system call met evicted memory without the right to");
                    } catch (IOException e) {
                        Require.that(String.valueOf(e.getMessage()).contains("Bad address"), "EFAULT, not " + e);
                    }
                    Require.equal(
                            memory.touch(segment, () -> zero.read(buffer.duplicate())), 1 << 20, "bytes read, touched");
                }
                Require.equal(segment.get(JAVA_BYTE, 12345), 0, "what was read");
                MemorySegment fresh = arena.allocate(1 << 20, 4096); // nowhere yet
                memory.touch(fresh);
                Require.equal(zero.read(fresh.asByteBuffer()), 1 << 20, "bytes read into fresh memory");
            }
        }
    },
    LARGE_RANGES_MOVE_WHOLE_WHATEVER_BLOCKS_THEY_CUT {
        @Override
        Options options() {
            return Options.ram(4 * RAM).overflow("ram", OVERFLOW);
        }

        @Override
        void run(Heteromem memory) {
            try (Arena arena = memory.arena()) {
                MemorySegment table = arena.allocate(2 * RAM, 1 << 21);
                long pages = table.byteSize() / PAGE;
                number(table);
                // Within a block, from inside one into the last byte of another, a single page, and whole blocks.
                MemorySegment[] parts = {
                    table.asSlice(3 * PAGE, 100 * PAGE),
                    table.asSlice(511 * PAGE, (6 * 512 + 78) * PAGE),
                    table.asSlice(9 * 512 * PAGE - 1, 1),
                    table.asSlice(9 * 512 * PAGE, 4 * 512 * PAGE),
                    table.asSlice((pages - 1) * PAGE)
                };
                long moving = 100 + 6 * 512 + 78 + 1 + 4 * 512 + 1;
                for (int round = 0; round < 20; round++) {
                    Moved out = memory.evict(parts);
                    Require.equal(out.pages(), moving, "pages that were moved out in round " + round);
                    Require.equal(out.skipped(), 0, "pages that were not in round " + round);
                    Require.equal(memory.residency(table).ram(), pages - moving, "pages left in RAM");
                    Moved home = memory.prefetch(parts);
                    Require.equal(home.pages(), moving, "pages that were brought home in round " + round);
                    Require.equal(home.skipped(), 0, "pages that were not in round " + round);
                    // A page whose fault was served just now may be busy yet: the last ones are none of those that
                    // move.
                    for (long page = pages - 1; page >= 0; page--) {
                        Require.equal(table.get(JAVA_LONG, page * PAGE), page + 1 + round, "page " + page);
                        table.set(JAVA_LONG, page * PAGE, page + 2 + round);
                    }
                }
            }
        }
    },
    A_PROGRAM_LOCKS_ALL_THAT_IT_MAPS {
        @Override
        void run(Heteromem memory) throws IOException {
            if (!mayLock(1 << 20)) {
                System.out.println(this + " not run: this user may lock next to nothing (RLIMIT_MEMLOCK)");
                return;
            }
            RawCalls.lockWhatComes();
            try (Arena arena = memory.arena()) {
                MemorySegment table = arena.allocate(4 * RAM, 64);
                Require.equal(memory.residency(table).absent(), 4 * RAM / PAGE, "pages that are not there");
                number(table);
                Residency where = memory.residency(table);
                Require.that(where.ram() <= RAM / PAGE, "at most the budget in RAM: " + where);
                Require.equal(where.absent(), 0, "pages that nobody knows of");
                requireNumbered(table);
            } catch (OutOfMemoryError e) {
                // Without rights it may lock less than a region.
                Require.that(e.toString().contains("RLIMIT_MEMLOCK"), e.toString());
                Require.that(Processes.effectiveUserId() != 0, "root locks as much as it likes: " + e);
            } finally {
                RawCalls.unlockAll();
            }
        }
    },
    THREADS_WRITE_WHILE_MEMORY_MOVES_AND_THE_COLLECTOR_RUNS {
        @Override
        void run(Heteromem memory) {
            try (Arena arena = memory.sharedArena()) {
                MemorySegment table = arena.allocate(3 * RAM, 64);
                List<CompletableFuture<Void>> all = new ArrayList<>();
                for (int thread = 0; thread < 3; thread++) {
                    long mine = thread;
                    all.add(CompletableFuture.runAsync(() -> {
                        ThreadLocalRandom random = ThreadLocalRandom.current();
                        for (int i = 0; i < 20_000; i++) {
                            // Each page has a counter of each thread.
                            long at = random.nextLong(table.byteSize() / PAGE) * PAGE + mine * 8;
                            table.set(JAVA_LONG, at, table.get(JAVA_LONG, at) + 1);
                        }
                    }));
                }
                while (!all.stream().allMatch(CompletableFuture::isDone)) {
                    System.gc();
                    memory.evict(table.asSlice(0, RAM / 2));
                    memory.prefetch(table.asSlice(RAM / 4, RAM / 2));
                }
                all.forEach(CompletableFuture::join);
                for (long thread = 0; thread < 3; thread++) {
                    long sum = 0;
                    for (long at = thread * 8; at < table.byteSize(); at += PAGE) {
                        sum += table.get(JAVA_LONG, at);
                    }
                    Require.equal(sum, 20_000, "what thread " + thread + " counted");
                }
            }
        }
    },
    THE_PRIVATE_DAEMON_ENDS_WITH_THE_LAST_ARENA {
        @Override
        void run(Heteromem memory) {
            ProcessHandle daemon = ProcessHandle.of(memory.daemonPid()).orElseThrow();
            Arena arena = memory.arena();
            MemorySegment segment = arena.allocate(2 * RAM, 8).fill((byte) 3);
            memory.close();
            Require.equal(segment.get(JAVA_BYTE, 0), 3, "memory of an arena that is still open");
            Require.that(daemon.isAlive(), "a daemon while there is an arena");
            arena.close();
            Require.that(!daemon.isAlive(), "no daemon without one");
        }
    };

    static final long PAGE = 4096;
    static final long RAM = 16L << 20;
    static final long OVERFLOW = 128L << 20;
    private static final int HOT_PAGES = 32;

    abstract void run(Heteromem memory) throws Exception;

    /** Writes its number to each page. */
    private static void number(MemorySegment memory) {
        for (long at = 0; at < memory.byteSize(); at += PAGE) {
            memory.set(JAVA_LONG, at, at / PAGE + 1);
        }
    }

    private static boolean mayLock(long bytes) throws IOException {
        Matcher limit = Pattern.compile("(?m)^Max locked memory +(\\S+)")
                .matcher(Files.readString(Path.of("/proc/self/limits")));
        return Processes.effectiveUserId() == 0
                || (limit.find() && (limit.group(1).equals("unlimited") || Long.parseLong(limit.group(1)) >= bytes));
    }

    private static void requireNumbered(MemorySegment memory) {
        for (long at = 0; at < memory.byteSize(); at += PAGE) {
            Require.equal(memory.get(JAVA_LONG, at), at / PAGE + 1, "page " + at / PAGE);
        }
    }

    /**
     * Until who evicts has room for what comes and has looked which pages are used, and the program was told of those; but not
     * for long: pages that were made ahead take room without waking it, and then it is the next fault that does.
     */
    private static void awaitHeadroom(Heteromem memory) throws InterruptedException {
        long watched = -1;
        for (int tries = 0; tries < 10; tries++) {
            Thread.sleep(1);
            var mine = memory.status().subjects().getLast().counters();
            long now = mine.getOrDefault("pages.watched", 0L);
            if (now == watched && mine.getOrDefault("ram.used", 0L) <= memory.ramBytes() / 32 * 31) {
                return;
            }
            watched = now;
        }
    }

    private static long faults(Heteromem memory) {
        return memory.status().subjects().getLast().counters().getOrDefault("faults", 0L);
    }

    Options options() {
        return Options.ram(RAM).overflow("ram", OVERFLOW);
    }

    void run() throws Exception {
        try (Heteromem memory = Heteromem.open(options())) {
            run(memory);
        }
    }

    /** Runs all, and prints the name of each that has passed. */
    static final class Main {
        private Main() {}

        public static void main(String[] args) throws Exception {
            try (Heteromem memory = Heteromem.open(Options.ram(RAM))) {
                System.out.println("tier " + memory.tier());
            }
            for (LiveScenario scenario : values()) {
                scenario.run();
                System.out.println("passed " + scenario);
            }
        }
    }
}
