package org.heteromem.cli.soak;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.heteromem.live.daemon.Daemon;
import org.heteromem.live.daemon.DaemonMain;
import org.jspecify.annotations.Nullable;

/**
 * Kills daemons, keepers and clients at random. A daemon and its keeper are not killed together: between the death of one
 * and the moment when another has everything, the other one alone has the memory of their clients.
 */
final class Killer {
    static final String KEEPER = "org.heteromem.live.keeper.KeeperMain";
    private static final long MILLIS_PER_MINUTE = 60_000;
    private static final int KINDS = 8;
    /** Within which a daemon that is starting is killed too. */
    private static final int STARTING_MILLIS = 1_000;

    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(120);

    /** Whose daemon or keeper was killed and has no successor yet: a client's own one, or nobody's, the shared one. */
    private record Wound(
            @Nullable SoakClient owner, long deadDaemon, boolean again, Path log, long keepersBefore, long sinceNanos) {
        boolean ofKeeper() {
            return deadDaemon == 0;
        }
    }

    private final SplittableRandom random;
    private final double killsPerMinute;
    private final SharedDaemon shared;
    private final List<Wound> wounds = new ArrayList<>();
    private long nextNanos;
    private long daemons;
    private long keepers;
    private long clients;

    Killer(long seed, double killsPerMinute, SharedDaemon shared) {
        this.random = new SplittableRandom(seed);
        this.killsPerMinute = killsPerMinute;
        this.shared = shared;
        plan();
    }

    private void plan() {
        double mean = MILLIS_PER_MINUTE / killsPerMinute;
        nextNanos = System.nanoTime()
                + (killsPerMinute == 0 ? Long.MAX_VALUE / 2 : (long) (random.nextDouble() * 2 * mean * 1e6));
    }

    long daemonKills() {
        return daemons;
    }

    long keeperKills() {
        return keepers;
    }

    long clientKills() {
        return clients;
    }

    /** Kills somebody if it is time, and fails if nobody has taken the place of who was killed. */
    void step(List<SoakClient> living) throws IOException, InterruptedException {
        heal(living);
        if (System.nanoTime() - nextNanos < 0) {
            return;
        }
        plan();
        int kind = random.nextInt(KINDS);
        List<SoakClient> own = living.stream()
                .filter(client -> client.hasOwnDaemon() && client.beat() != null)
                .toList();
        if (kind == 0 && !living.isEmpty()) {
            living.get(random.nextInt(living.size())).kill();
            clients++;
            return;
        }
        boolean keeper = kind <= 2;
        boolean ofOne = random.nextBoolean() && !own.isEmpty();
        SoakClient owner = ofOne ? own.get(random.nextInt(own.size())) : null;
        Optional<Wound> open =
                wounds.stream().filter(wound -> wound.owner() == owner).findAny();
        if (open.isPresent()) {
            Wound wound = open.get();
            // Once: on a busy machine nobody would ever get as far as serving.
            if (!keeper && !wound.ofKeeper() && !wound.again()) {
                wounds.remove(wound);
                killWhoeverStarts(owner);
                wounds.add(new Wound(owner, wound.deadDaemon(), true, wound.log(), 0, System.nanoTime()));
            }
        } else if (keeper) {
            killKeeper(owner);
        } else {
            killDaemon(owner);
        }
    }

    private void killDaemon(@Nullable SoakClient owner) throws InterruptedException {
        Beat beat = owner == null ? null : owner.beat();
        if (owner == null) {
            wounds.add(new Wound(null, shared.pid(), false, shared.log(), 0, System.nanoTime()));
            shared.kill();
            daemons++;
        } else if (beat != null) {
            Optional<ProcessHandle> daemon = ProcessHandle.of(beat.daemonPid());
            wounds.add(new Wound(owner, beat.daemonPid(), false, shared.log(), 0, System.nanoTime()));
            daemon.ifPresent(process -> {
                process.destroyForcibly();
                daemons++;
            });
        }
        if (random.nextInt(KINDS) == 0) {
            nextNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(random.nextInt(STARTING_MILLIS));
        }
    }

    private void killWhoeverStarts(@Nullable SoakClient owner) throws InterruptedException {
        if (owner == null) {
            shared.kill();
            daemons++;
            return;
        }
        daemons += Java.running(DaemonMain.class.getName(), Long.toString(owner.pid()))
                .filter(ProcessHandle::destroyForcibly)
                .count();
    }

    private void killKeeper(@Nullable SoakClient owner) throws IOException {
        String argument = owner == null ? shared.socket() + Daemon.KEEPER_SUFFIX : Long.toString(owner.pid());
        Optional<ProcessHandle> keeper = Java.running(KEEPER, argument).findAny();
        Optional<Path> log = keeper.flatMap(process -> Java.argumentAfter(process, KEEPER))
                .map(socket -> Path.of(socket).resolveSibling("daemon.log"));
        if (log.isPresent()) {
            wounds.add(new Wound(owner, 0, false, log.get(), newKeepers(log.get()), System.nanoTime()));
            keeper.get().destroyForcibly();
            keepers++;
        }
    }

    /** How often a daemon has said that a new keeper has everything. */
    private static long newKeepers(Path log) throws IOException {
        if (!Files.exists(log)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(log)) {
            return lines.filter(line -> line.contains("a new keeper has all")).count();
        }
    }

    private void heal(List<SoakClient> living) throws IOException {
        for (Wound wound : List.copyOf(wounds)) {
            if (isHealed(wound, living)) {
                wounds.remove(wound);
            } else if (System.nanoTime() - wound.sinceNanos() > PATIENCE_NANOS) {
                throw new LiveSoakFailure("nobody has taken the place of the "
                        + (wound.ofKeeper() ? "keeper" : "daemon " + wound.deadDaemon()) + " of "
                        + (wound.owner() == null
                                ? "several clients; see " + shared.log()
                                : wound.owner().toString()));
            }
        }
    }

    private boolean isHealed(Wound wound, List<SoakClient> living) throws IOException {
        SoakClient owner = wound.owner();
        if (owner != null && !living.contains(owner)) {
            return true;
        }
        if (wound.ofKeeper()) {
            return newKeepers(wound.log()) > wound.keepersBefore();
        }
        if (owner != null) {
            return servedByAnother(owner, wound.deadDaemon());
        }
        return shared.pid() != wound.deadDaemon()
                && living.stream()
                        .filter(client -> !client.hasOwnDaemon())
                        .allMatch(client -> servedByAnother(client, wound.deadDaemon()));
    }

    private static boolean servedByAnother(SoakClient client, long dead) {
        Beat beat = client.beat();
        return beat == null || beat.daemonPid() != dead;
    }
}
