package org.heteromem.live.kernels;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Options;
import org.heteromem.live.Pin;
import org.heteromem.live.RefusedException;

/**
 * Threads of the program and units of the device write versions into the same pages, each into words of its own, while
 * memory is evicted, prefetched, pinned, freed and allocated again. Everybody checks every value that he reads. Arguments:
 * overflow of a private daemon, or a slash and the rest of the path of a socket; pages, RAM pages, device pages, threads, milliseconds, seed, and {@code kills} if the daemon may be killed.
 */
public final class VersionsProgram {
    private static final int FIRST_UNIT = 8;

    private final int pages;
    private final int threads;
    private final long millis;
    private final long seed;
    private final boolean kills;
    private final List<Throwable> failures = new ArrayList<>();
    private volatile boolean over;
    private int launches;
    private int killed;

    private VersionsProgram(int pages, int threads, long millis, long seed, boolean kills) {
        this.pages = pages;
        this.threads = threads;
        this.millis = millis;
        this.seed = seed;
        this.kills = kills;
    }

    public static void main(String[] arguments) throws Exception {
        int pages = Integer.parseInt(arguments[1]);
        Options ram = Options.ram(Long.parseLong(arguments[2]) * Versions.PAGE);
        Options options = arguments[0].startsWith("/")
                ? ram.socket(Path.of(arguments[0]))
                : ram.overflow(arguments[0], 256L << 20)
                        .accelerator(Long.parseLong(arguments[3]) * Versions.PAGE)
                        .kernels(Path.of(Versions.class
                                .getProtectionDomain()
                                .getCodeSource()
                                .getLocation()
                                .toURI()));
        try (Heteromem memory = Heteromem.open(options)) {
            new VersionsProgram(
                            pages,
                            Integer.parseInt(arguments[4]),
                            Long.parseLong(arguments[5]),
                            Long.parseLong(arguments[6]),
                            arguments.length > 7)
                    .run(memory);
        }
        System.out.println("right");
    }

    private void run(Heteromem memory) throws InterruptedException {
        try (Arena arena = memory.arena()) {
            MemorySegment table = arena.allocate((long) pages * Versions.PAGE, Versions.PAGE);
            MemorySegment notes = arena.allocate((long) pages * Versions.MAX_UNITS * 8, Versions.PAGE);
            System.out.println("ready");
            List<Thread> running = new ArrayList<>();
            for (int thread = 0; thread < threads; thread++) {
                int party = thread;
                running.add(start(() -> use(table, party)));
            }
            running.add(start(() -> move(memory, table)));
            running.add(start(() -> {
                while (!over) {
                    System.gc();
                    Thread.sleep(20);
                }
            }));
            running.add(start(() -> launch(memory, table, notes)));
            for (Thread thread : running) {
                thread.join();
            }
            for (Throwable failure : failures) {
                throw new AssertionError("seed " + seed, failure);
            }
            checkNotes(table, notes);
            System.out.println(launches + " launches, " + killed + " killed; "
                    + memory.status().subjects().getLast().counters());
        }
    }

    private interface Work {
        void run() throws Exception;
    }

    private Thread start(Work work) {
        return Thread.ofPlatform().start(() -> {
            try {
                work.run();
            } catch (Throwable e) {
                synchronized (failures) {
                    failures.add(e);
                }
                over = true;
            }
        });
    }

    private void launch(Heteromem memory, MemorySegment table, MemorySegment notes) {
        long end = System.nanoTime() + millis * 1_000_000;
        // In the end one must get through, however often and early the others were killed.
        while ((System.nanoTime() < end || launches == killed) && !over) {
            try {
                long part = kills ? 700 : 200;
                launches++;
                if (launches % 2 == 0) {
                    memory.launch(
                            Versions.class.getName(), table, pages, notes, FIRST_UNIT, part, seed * 31 + launches);
                } else {
                    CompletableFuture<Void> under =
                            memory.launchAsync(Versions.class.getName(), table, pages, notes, FIRST_UNIT, part, seed);
                    under.join();
                }
            } catch (RefusedException e) {
                killed(e, table, notes);
            } catch (java.util.concurrent.CompletionException e) {
                if (e.getCause() instanceof RefusedException refused) {
                    killed(refused, table, notes);
                } else {
                    throw e;
                }
            }
        }
        over = true;
    }

    /** A kernel that was killed has stored some of what it would have: nothing older than what it has noted, nothing torn. */
    private void killed(RefusedException e, MemorySegment table, MemorySegment notes) {
        if (!kills || !String.valueOf(e.getMessage()).contains("daemon was killed")) {
            throw e;
        }
        killed++;
        for (int page = 0; page < pages; page++) {
            for (int unit = 0; unit < Versions.MAX_UNITS; unit++) {
                int party = FIRST_UNIT + unit;
                long version = table.get(JAVA_LONG, Versions.at(page, party));
                long value = table.get(JAVA_LONG, Versions.at(page, party) + 8);
                long noted = notes.get(JAVA_LONG, Versions.note(page, unit));
                boolean valueOld = value == Versions.right(page, party, version - 1) && version > 0;
                if (version != noted && version != noted + 1
                        || value != Versions.right(page, party, version) && !(valueOld && noted == version - 1)) {
                    throw new AssertionError("after a kill page " + page + " has version " + version + " of unit "
                            + unit + ", " + noted + " was noted, and value " + value);
                }
                table.set(JAVA_LONG, Versions.at(page, party) + 8, Versions.right(page, party, version));
                notes.set(JAVA_LONG, Versions.note(page, unit), version);
            }
        }
    }

    private void checkNotes(MemorySegment table, MemorySegment notes) {
        long steps = 0;
        for (int page = 0; page < pages; page++) {
            for (int unit = 0; unit < Versions.MAX_UNITS; unit++) {
                long noted = notes.get(JAVA_LONG, Versions.note(page, unit));
                check(table, page, FIRST_UNIT + unit, noted);
                steps += noted;
            }
        }
        System.out.println("steps of units " + steps);
        if (steps == 0) {
            throw new AssertionError("no unit has done anything");
        }
    }

    private void use(MemorySegment table, int party) {
        SplittableRandom random = new SplittableRandom(seed + 1000 + party);
        long[] versions = new long[pages];
        long steps = 0;
        while (!over) {
            int from = random.nextInt(pages);
            int run = random.nextInt(4) == 0 ? random.nextInt(100) : 1;
            for (int page = from; page < Math.min(pages, from + run); page++) {
                check(table, page, party, versions[page]);
                if (random.nextBoolean()) {
                    long version = ++versions[page];
                    table.set(JAVA_LONG, Versions.at(page, party), version);
                    table.set(JAVA_LONG, Versions.at(page, party) + 8, Versions.right(page, party, version));
                }
                steps++;
            }
        }
        for (int page = 0; page < pages; page++) {
            check(table, page, party, versions[page]);
        }
        System.out.println("steps of thread " + party + ": " + steps);
    }

    private static void check(MemorySegment table, int page, int party, long version) {
        long found = table.get(JAVA_LONG, Versions.at(page, party));
        long value = table.get(JAVA_LONG, Versions.at(page, party) + 8);
        if (found != version || value != Versions.right(page, party, version)) {
            throw new AssertionError("page " + page + " has version " + found + " of party " + party + ", not "
                    + version + ", and value " + value + ", not " + Versions.right(page, party, version));
        }
    }

    private void move(Heteromem memory, MemorySegment table) throws InterruptedException {
        SplittableRandom random = new SplittableRandom(seed + 2000);
        while (!over) {
            long from = random.nextLong(pages) * Versions.PAGE;
            long bytes = Math.min(table.byteSize() - from, (1 + random.nextLong(60)) * Versions.PAGE);
            MemorySegment part = table.asSlice(from, bytes);
            switch (random.nextInt(5)) {
                case 0 -> memory.evict(part);
                case 1 -> memory.prefetch(part);
                case 2 -> memory.residency(table);
                case 3 -> {
                    try (Pin _ = memory.pin(part)) {
                        Thread.sleep(random.nextInt(5));
                    }
                }
                default -> {
                    try (Arena short_ = memory.arena()) {
                        MemorySegment fresh = short_.allocate(bytes, 8);
                        for (long at = 0; at < bytes; at += 512) {
                            if (fresh.get(JAVA_LONG, at) != 0) {
                                throw new AssertionError("fresh memory is not zero at " + at);
                            }
                            fresh.set(JAVA_LONG, at, at + 1);
                        }
                        if (random.nextBoolean()) {
                            memory.launch(Add.class.getName(), fresh, (int) (bytes / 8), 5L);
                            for (long at = 0; at < bytes; at += 512) {
                                if (fresh.get(JAVA_LONG, at) != at + 6) {
                                    throw new AssertionError("not what the kernel made of it at " + at);
                                }
                            }
                        }
                    } catch (RefusedException e) {
                        if (!kills || !String.valueOf(e.getMessage()).contains("daemon was killed")) {
                            throw e;
                        }
                    }
                }
            }
        }
    }
}
