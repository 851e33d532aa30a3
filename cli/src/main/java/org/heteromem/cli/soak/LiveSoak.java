package org.heteromem.cli.soak;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Runs programs with more memory than RAM, some with one daemon for several, some with a daemon of their own, and kills all
 * of them now and then; see the package. Whatever a program reads must be what it has written, no thread may stand still, and
 * who has ended must have left nothing behind.
 */
public final class LiveSoak {
    private static final int CLIENTS = 3;
    private static final int TICK_MILLIS = 50;
    private static final int MIN_LIFE_MILLIS = 3_000;
    private static final int MILLIS_PER_SECOND = 1_000;
    private static final long PROGRESS_NANOS = TimeUnit.MINUTES.toNanos(1);
    /** For what has ended to have left nothing behind. */
    private static final long LEAVE_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final LiveSoakOptions options;
    private final Consumer<String> out;
    private final SplittableRandom random;
    private final long startedNanos = System.nanoTime();
    private final List<SoakClient> living = new ArrayList<>();
    private final List<SoakClient> leaving = new ArrayList<>();

    private int started;
    private long operations;
    private long faults;
    private long evictions;
    private long takeovers;

    private LiveSoak(LiveSoakOptions options, Consumer<String> out) {
        this.options = options;
        this.out = out;
        this.random = new SplittableRandom(options.seed());
    }

    /**
     * Runs a soak.
     *
     * @param out is told once a minute how it goes
     * @throws LiveSoakFailure if anything was wrong; its message says where the daemons' words are
     * @throws IOException if a process cannot be started, or the folder of the soak not be used
     */
    public static LiveSoakReport run(LiveSoakOptions options, Consumer<String> out)
            throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory(
                "heteromem-soak-", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        LiveSoakReport report = new LiveSoak(options, out).run(folder);
        // Not when it failed: somebody will want to see what is there.
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
        return report;
    }

    private LiveSoakReport run(Path folder) throws IOException, InterruptedException {
        SharedDaemon daemon = new SharedDaemon(folder);
        // Else an interrupt would leave the daemon waiting for clients, and those for their input.
        Thread hook = new Thread(() -> killAll(daemon), "soak-end");
        Runtime.getRuntime().addShutdownHook(hook);
        boolean well = false;
        try {
            LongLife life = new LongLife(daemon.alone());
            Killer killer = new Killer(random.nextLong(), options.killsPerMinute(), daemon);
            long end = startedNanos + options.duration().toNanos();
            long progress = startedNanos + PROGRESS_NANOS;
            while (System.nanoTime() - end < 0) {
                step(daemon, folder, life);
                killer.step(living);
                if (System.nanoTime() - progress > 0) {
                    progress += PROGRESS_NANOS;
                    say(killer);
                }
                TimeUnit.MILLISECONDS.sleep(TICK_MILLIS);
            }
            finish(daemon, life);
            nothingIsLeftIn(daemon, life);
            daemon.end();
            nothingIsLeft(folder, daemon);
            well = true;
            return report(killer, life);
        } finally {
            if (!well) {
                killAll(daemon);
            }
            Runtime.getRuntime().removeShutdownHook(hook);
        }
    }

    private void step(SharedDaemon daemon, Path folder, LongLife life) throws IOException, InterruptedException {
        daemon.mustServe();
        for (SoakClient client : List.copyOf(living)) {
            look(client, daemon, life);
            if (client.livesTooLong()) {
                client.tellToEnd();
            }
        }
        sweep();
        while (living.size() < CLIENTS) {
            living.add(start(daemon, folder));
        }
    }

    private SoakClient start(SharedDaemon daemon, Path folder) throws IOException {
        int number = started++;
        Path socket = number % CLIENTS == 0 ? null : daemon.socket();
        int most = options.lifeSeconds() * MILLIS_PER_SECOND;
        long life = random.nextLong(Math.min(MIN_LIFE_MILLIS, most - 1), most);
        return new SoakClient(number, folder, socket, random.nextLong() >>> 16, life, options.defectAfter());
    }

    private void sweep() throws IOException {
        for (SoakClient client : List.copyOf(leaving)) {
            if (client.leftNothing()) {
                leaving.remove(client);
            }
        }
    }

    private void look(SoakClient client, SharedDaemon daemon, LongLife life) throws IOException, InterruptedException {
        if (!client.hasEnded()) {
            client.mustGetOn();
            return;
        }
        living.remove(client);
        leaving.add(client);
        if (!client.hasOwnDaemon()) {
            life.clientHasLeft(daemon.pid(), daemon.footprint());
        }
        takeovers += client.takeovers();
        Beat last = client.beat();
        if (last != null) {
            operations += last.operations();
            faults += last.faults();
            evictions += last.evictions();
        }
    }

    /** All clients check everything a last time and go. */
    private void finish(SharedDaemon daemon, LongLife life) throws IOException, InterruptedException {
        living.forEach(SoakClient::tellToEnd);
        while (!living.isEmpty()) {
            daemon.mustServe();
            for (SoakClient client : List.copyOf(living)) {
                look(client, daemon, life);
            }
            TimeUnit.MILLISECONDS.sleep(TICK_MILLIS);
        }
    }

    /** The daemon hears of the end of a client by and by. */
    private void nothingIsLeftIn(SharedDaemon daemon, LongLife life) throws IOException, InterruptedException {
        awaitNothing(() -> life.left(daemon.pid(), daemon.footprint()));
    }

    private void nothingIsLeft(Path folder, SharedDaemon daemon) throws IOException, InterruptedException {
        awaitNothing(() -> left(folder, daemon));
    }

    private interface Look {
        String left() throws IOException;
    }

    private static void awaitNothing(Look look) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + LEAVE_NANOS;
        for (; ; ) {
            String left = look.left();
            if (left.isEmpty()) {
                return;
            }
            if (System.nanoTime() - deadline > 0) {
                throw new LiveSoakFailure("everybody has ended, and this is left: " + left);
            }
            TimeUnit.MILLISECONDS.sleep(TICK_MILLIS);
        }
    }

    private String left(Path folder, SharedDaemon daemon) throws IOException {
        sweep();
        try (Stream<Path> files = Files.list(folder)) {
            return Stream.concat(
                            leaving.stream().map(client -> "the daemon of " + client),
                            files.filter(file -> !file.equals(daemon.log())).map(Path::toString))
                    .collect(Collectors.joining(", "));
        }
    }

    private void killAll(SharedDaemon daemon) {
        for (SoakClient client : List.copyOf(living)) {
            client.kill();
        }
        daemon.killForGood();
    }

    private LiveSoakReport report(Killer killer, LongLife life) {
        return new LiveSoakReport(
                (System.nanoTime() - startedNanos) / 1e9,
                started,
                operations,
                faults,
                evictions,
                killer.daemonKills(),
                killer.keeperKills(),
                killer.clientKills(),
                takeovers,
                life.mostBytes());
    }

    private void say(Killer killer) {
        long now = operations;
        for (SoakClient client : living) {
            @Nullable Beat beat = client.beat();
            now += beat == null ? 0 : beat.operations();
        }
        out.accept(String.format(
                Locale.ROOT,
                "%4d minutes: %,d operations, %d clients, %d kills",
                TimeUnit.NANOSECONDS.toMinutes(System.nanoTime() - startedNanos),
                now,
                started,
                killer.daemonKills() + killer.keeperKills() + killer.clientKills()));
    }
}
