package org.heteromem.stress.soak;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Area;
import org.heteromem.core.Cpu;
import org.heteromem.core.Page;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.core.inspect.PageView;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.memory.MemoryNode;

/**
 * Runs rounds: make a machine, let all actors loose on it, stop them, check everything, next seed. A watchdog looks that
 * every thread gets on.
 */
public final class Soak {
    private static final Duration ROUND = Duration.ofSeconds(5);
    private static final Duration STUCK = Duration.ofSeconds(30);
    private static final Duration LOOK = Duration.ofMillis(100);

    private final SoakOptions options;
    private final Map<String, Long> counts = new TreeMap<>();

    /**
     * Prepares a soak.
     *
     * @param options what to do
     */
    public Soak(SoakOptions options) {
        this.options = options;
    }

    /**
     * Runs.
     *
     * @param progress gets a line a round
     * @return what was done
     * @throws SoakFailure at the first broken promise
     */
    public SoakReport run(Consumer<String> progress) {
        SplittableRandom seeds = new SplittableRandom(options.seed());
        long left = options.duration().toNanos();
        int rounds = 0;
        int threads = 0;
        while (left > 0) {
            long roundSeed = seeds.nextLong();
            long length = left < 2 * ROUND.toNanos() ? left : ROUND.toNanos();
            rounds++;
            try {
                threads = round(roundSeed, length);
            } catch (RuntimeException | AssertionError e) {
                throw new SoakFailure(
                        "round " + rounds + " of the soak with seed " + options.seed() + " failed: " + e.getMessage(),
                        e);
            }
            left -= length;
            progress.accept(String.format(
                    Locale.ROOT,
                    "round %d: %d threads, %.0f s, all words right (seed %d)",
                    rounds,
                    threads,
                    length / 1e9,
                    options.seed()));
        }
        return new SoakReport(
                options.seed(),
                rounds,
                threads,
                options.duration().toNanos() / 1e9,
                Collections.unmodifiableMap(new TreeMap<>(counts)));
    }

    private int round(long seed, long nanos) {
        World world = new World(seed);
        List<Actor> actors = actors(world, new SplittableRandom(seed));
        List<Thread> threads = new ArrayList<>();
        for (Actor actor : actors) {
            threads.add(
                    Thread.ofPlatform().name("soak-" + actor.name()).daemon().start(actor));
        }
        watch(world, actors, threads, nanos);
        Throwable failed = world.failure();
        if (failed instanceof SoakFailure f) {
            throw f;
        }
        if (failed != null) {
            throw new SoakFailure("a thread died: " + failed, failed);
        }
        check(world, actors);
        world.counts()
                .forEach((tally, n) ->
                        counts.merge(tally.name().toLowerCase(Locale.ROOT).replace('_', ' '), n.sum(), Long::sum));
        return actors.size();
    }

    private static List<Actor> actors(World world, SplittableRandom seeds) {
        List<Actor> actors = new ArrayList<>();
        int writer = 0;
        for (int i = 0; i < 3; i++) {
            Cpu cpu = world.space.newCpu();
            actors.add(new Accessor(world, "cpu" + i, seeds.nextLong(), writer++, cpu, cpu::close));
        }
        for (SoakDevice device : world.devices()) {
            for (int i = 0; i < 2; i++) {
                actors.add(
                        new Accessor(world, device.name() + i, seeds.nextLong(), writer++, device.newUnit(), () -> {}));
            }
        }
        actors.add(new Pinner(world, "pinner", seeds.nextLong(), writer++));
        actors.add(new Movers.ToDevice(world, "to-device0", seeds.nextLong()));
        actors.add(new Movers.ToDevice(world, "to-device1", seeds.nextLong()));
        actors.add(new Movers.FromDevice(world, "from-device", seeds.nextLong()));
        actors.add(new Movers.BetweenNodes(world, "between-nodes", seeds.nextLong()));
        actors.add(new Movers.Remapper(world, "remapper", seeds.nextLong()));
        actors.add(new AreaChanger(world, "area-changer", seeds.nextLong()));
        actors.add(new Forks(world, "forks0", seeds.nextLong()));
        actors.add(new Forks(world, "forks1", seeds.nextLong()));
        for (int i = 0; i < Layout.SCRATCH_THREADS; i++) {
            actors.add(new Scratch(world, "scratch" + i, seeds.nextLong(), i));
        }
        actors.add(new Removals(world, "removals", seeds.nextLong()));
        actors.add(new Exclusives(world, "exclusive", seeds.nextLong(), world.gpu));
        return actors;
    }

    // ---- watchdog ----------------------------------------------------------------------------------------------

    /** Waits for the end of the round and of the threads; fails if one of them makes no step for too long. */
    private static void watch(World world, List<Actor> actors, List<Thread> threads, long nanos) {
        long start = System.nanoTime();
        long[] steps = new long[actors.size()];
        long[] since = new long[actors.size()];
        Arrays.fill(steps, -1);
        Arrays.fill(since, start);
        boolean running = true;
        while (running) {
            running = false;
            long now = System.nanoTime();
            if (now - start >= nanos) {
                world.stop();
            }
            for (int i = 0; i < actors.size(); i++) {
                if (!threads.get(i).isAlive()) {
                    continue;
                }
                running = true;
                long done = actors.get(i).steps();
                if (done != steps[i]) {
                    steps[i] = done;
                    since[i] = now;
                } else if (now - since[i] > STUCK.toNanos()) {
                    world.stop();
                    throw new SoakFailure("thread " + actors.get(i).name() + " has made no step for "
                            + STUCK.toSeconds() + " s\n" + stateOf(world));
                }
            }
            try {
                TimeUnit.NANOSECONDS.sleep(LOOK.toNanos());
            } catch (InterruptedException e) {
                world.stop();
                Thread.currentThread().interrupt();
                throw new SoakFailure("interrupted", e);
            }
        }
    }

    private static String stateOf(World world) {
        StringBuilder state = new StringBuilder();
        for (AddressSpace space : world.manager.spaces()) {
            state.append("address space ")
                    .append(space.id())
                    .append(space.mm().unlocked() ? ": not locked" : ": locked")
                    .append(space.mm().notifiers().quiet() ? "\n" : ", an invalidation is under way\n");
        }
        for (AddressSpace space : world.manager.spaces()) {
            migrationEntries(space, state);
        }
        for (MemoryNode node : world.manager.nodes()) {
            state.append("node ")
                    .append(node.id())
                    .append(": ")
                    .append(node.freeFrames())
                    .append(" frames free\n");
        }
        for (SoakDevice device : world.devices()) {
            state.append(device.name()).append(": ").append(device.freeFrames()).append(" frames free\n");
        }
        for (ThreadInfo thread : ManagementFactory.getThreadMXBean().dumpAllThreads(true, true, 40)) {
            if (thread.getThreadName().startsWith("soak-")) {
                state.append(thread.getThreadName())
                        .append(' ')
                        .append(thread.getThreadState())
                        .append(thread.getLockName() == null ? "" : " on " + thread.getLockName())
                        .append(thread.getLockOwnerName() == null ? "" : " held by " + thread.getLockOwnerName())
                        .append('\n');
                for (StackTraceElement frame : thread.getStackTrace()) {
                    state.append("    at ").append(frame).append('\n');
                }
            }
        }
        return state.toString();
    }

    private static void migrationEntries(AddressSpace space, StringBuilder state) {
        for (Area area : space.areas()) {
            PageView[] pages = Inspector.pages(space, area.address(), (int) Page.count(area.length()));
            for (int i = 0; i < pages.length; i++) {
                if (pages[i].kind() == PageKind.MIGRATION) {
                    state.append("address space ")
                            .append(space.id())
                            .append(", 0x")
                            .append(Long.toHexString(area.address() + Page.address(i)))
                            .append(": ")
                            .append(pages[i])
                            .append('\n');
                }
            }
        }
    }

    // ---- the end of a round ------------------------------------------------------------------------------------

    private static void check(World world, List<Actor> actors) {
        sound(world);
        finalWords(world);
        sound(world);
        actors.forEach(Actor::release);
        world.devices().forEach(SoakDevice::close);
        world.space.exit();
        for (SoakDevice device : world.devices()) {
            if (device.memory().liveReferences() != 0
                    || device.freeFrames() != device.memory().frames()) {
                throw new SoakFailure(
                        "device " + device.name() + " has " + device.memory().liveReferences()
                                + " frames in use after every process has gone, and " + device.freeFrames() + " of "
                                + device.memory().frames() + " are free");
            }
            world.manager.removeDevice(device.memory());
        }
        for (MemoryNode node : world.manager.nodes()) {
            long kept = node.id() == 0 ? 1 : 0;
            if (node.freeFrames() != node.frames() - kept || node.lruPages() != 0) {
                throw new SoakFailure("node " + node.id() + " has " + node.freeFrames() + " of " + node.frames()
                        + " frames free and " + node.lruPages() + " on its LRU after every process has gone");
            }
        }
        world.close();
    }

    private static void sound(World world) {
        StateChecker checker = StateChecker.of(world.manager);
        world.devices().forEach(device -> checker.mirror(device, device::forEachEntry));
        checker.assertSound();
    }

    /** Every word holds exactly what was stored last. */
    private static void finalWords(World world) {
        Ledger ledger = world.ledger;
        try (Cpu cpu = world.space.newCpu()) {
            for (int p = 0; p < Layout.PAGES; p++) {
                long address = world.layout.address(p);
                expect(world, address, "additions of page " + p, cpu.loadLong(address), ledger.addsDone(p));
                for (int w = 0; w < Ledger.WRITERS; w++) {
                    long stripe = address + Ledger.offset(w, Ledger.LONG);
                    String what = "page " + p + ", writer " + w;
                    expect(
                            world,
                            stripe,
                            what,
                            cpu.loadLong(stripe),
                            Ledger.longValue(p, w, ledger.done(Ledger.word(p, w, Ledger.LONG))));
                    long intAt = address + Ledger.offset(w, Ledger.INT);
                    expect(
                            world,
                            intAt,
                            what,
                            cpu.loadInt(intAt),
                            Ledger.intValue(p, ledger.done(Ledger.word(p, w, Ledger.INT))));
                    long bulk = Ledger.longValue(p, w, ledger.done(Ledger.word(p, w, Ledger.BULK)));
                    for (int i = 0; i < Ledger.BULK_WORDS; i++) {
                        long at = address + Ledger.offset(w, Ledger.BULK) + 8L * i;
                        expect(world, at, what, cpu.loadLong(at), bulk);
                    }
                }
            }
        }
    }

    private static void expect(World world, long address, String what, long found, long stored) {
        if (found != stored) {
            throw world.wrong(
                    world.space,
                    address,
                    what + " ends as 0x" + Long.toHexString(found) + ", the last store was 0x"
                            + Long.toHexString(stored));
        }
    }
}
