package org.heteromem.proof.run;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.heteromem.core.event.EventSink;
import org.heteromem.proof.op.Op;
import org.heteromem.proof.op.OpText;
import org.heteromem.proof.op.Outcome;
import org.heteromem.proof.world.Trouble;
import org.jspecify.annotations.Nullable;

/**
 * Many random runs, one after the other, each in a world of its own. The same options give the same steps, the same events
 * and the same result.
 */
public final class Fuzz {
    /** Steps in one run: long enough for deep states, short enough to shrink. */
    private static final int RUN_STEPS = 1_500;
    /** With the state checker off, everything is still compared this often. */
    private static final int COMPARE_EVERY = 256;

    /** How much is checked. */
    public enum Checks {
        /** What comes out of each step; all pages now and then; the whole state at the end of each run. */
        OUTCOMES,
        /** The state checker after every step. */
        EVERY_STEP,
        /** The state checker, and all pages compared, after every step. */
        EVERY_STEP_AND_PAGE
    }

    /**
     * What to run.
     *
     * @param seed the first of all choices
     * @param steps how many steps in all
     * @param checks how much is checked
     * @param trouble how likely a point at which the outside can fail does, 0 to 1
     * @param digest whether to digest all events and outcomes
     * @param coverage whether to note which states the steps met
     * @param storage whether there are homed memory and storage devices
     */
    public record Options(
            long seed, long steps, Checks checks, double trouble, boolean digest, boolean coverage, boolean storage) {
        /**
         * {@return plain options}
         *
         * @param seed the first of all choices
         * @param steps how many steps
         * @param checks how much is checked
         */
        public static Options of(long seed, long steps, Checks checks) {
            return new Options(seed, steps, checks, 0, false, false, false);
        }

        /**
         * {@return the same with faults injected}
         *
         * @param probability how likely each is
         */
        public Options withTrouble(double probability) {
            return new Options(seed, steps, checks, probability, digest, coverage, storage);
        }

        /** {@return the same with a digest} */
        public Options withDigest() {
            return new Options(seed, steps, checks, trouble, true, coverage, storage);
        }

        /** {@return the same with coverage} */
        public Options withCoverage() {
            return new Options(seed, steps, checks, trouble, digest, true, storage);
        }

        /** {@return the same with homed memory and storage devices} */
        public Options withStorage() {
            return new Options(seed, steps, checks, trouble, digest, coverage, true);
        }
    }

    /**
     * What came out.
     *
     * @param steps how many steps meant something and were compared
     * @param failed how many of them gave an error, as they should
     * @param runs how many worlds
     * @param injected how often each point of failure struck
     * @param digest of all events and outcomes, if asked for
     * @param coverage which states were met, if asked for
     * @param failure the first difference, shrunk; or null
     */
    public record Result(
            long steps,
            long failed,
            long runs,
            Map<Trouble.Point, Long> injected,
            @Nullable String digest,
            Coverage coverage,
            @Nullable Failure failure) {}

    private final Options options;
    private final Coverage coverage = new Coverage();
    private final Map<Trouble.Point, Long> injected = new EnumMap<>(Trouble.Point.class);
    private final @Nullable MessageDigest digest;
    private volatile UnderWay underWay = new UnderWay(0, List.of());
    private long steps;
    private long failed;
    private long runs;

    /**
     * Prepares.
     *
     * @param options what to run
     */
    public Fuzz(Options options) {
        this.options = options;
        this.digest = options.digest() ? sha256() : null;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** {@return what came out; the first difference ends it} */
    public Result run() {
        SplittableRandom seeds = new SplittableRandom(options.seed());
        Failure failure = null;
        while (steps < options.steps() && failure == null) {
            // The first run has the seed itself, so that a failing run can be repeated alone.
            long seed = runs == 0 ? options.seed() : seeds.nextLong();
            failure = runOne(seed, Math.min(RUN_STEPS, options.steps() - steps));
            runs++;
        }
        Failure small = failure == null ? null : Shrinker.like(failure).shrink(failure);
        String sum = digest == null ? null : HexFormat.of().formatHex(digest.digest());
        return new Result(steps, failed, runs, injected, sum, coverage, small);
    }

    private record UnderWay(long seed, List<Op> ops) {}

    /**
     * {@return the run under way as a test to paste: for a watchdog that finds a step that does not end} Only of use while
     * no step ends; may be called by any thread.
     */
    public String underWay() {
        UnderWay now = underWay;
        return new Failure(now.seed(), options.trouble(), now.ops(), "does not end").toJava();
    }

    private void digest(Object what) {
        MessageDigest now = digest;
        if (now != null) {
            now.update(what.toString().getBytes(StandardCharsets.UTF_8));
            now.update((byte) '\n');
        }
    }

    private @Nullable Failure runOne(long seed, long most) {
        Trouble trouble = options.trouble() > 0 ? Trouble.random(seed, options.trouble()) : Trouble.none();
        EventSink events = digest == null ? null : this::digest;
        List<Op> done = new ArrayList<>();
        underWay = new UnderWay(seed, done);
        Comparison both = new Comparison(trouble, events);
        String different = null;
        Generator generator = new Generator(seed, both.model, options.storage());
        // Steps that mean nothing are not counted, but must not go on for ever either.
        for (int i = 0; done.size() < most && i < 4 * most && different == null; i++) {
            Op op = generator.next();
            if (!both.applies(op)) {
                continue;
            }
            done.add(op);
            if (options.coverage()) {
                coverage.before(op, both.world, both.model);
            }
            different = both.step(op);
            if (different == null) {
                Outcome outcome = both.last();
                failed += outcome.error() == null ? 0 : 1;
                if (digest != null) {
                    digest(OpText.format(op) + " -> " + outcome);
                }
                different = check(both, done.size());
            }
        }
        steps += done.size();
        for (Trouble.Point point : Trouble.Point.values()) {
            injected.merge(point, trouble.injected(point), Long::sum);
        }
        if (different == null) {
            different = both.compareAll();
        }
        if (different == null) {
            different = both.end();
        }
        if (different != null) {
            // A broken world is not closed: that could fail for the same reason, and hide it.
            return new Failure(seed, options.trouble(), done, different);
        }
        both.close();
        return null;
    }

    private @Nullable String check(Comparison both, int step) {
        boolean every = options.checks() != Checks.OUTCOMES;
        String different = every ? both.check() : null;
        boolean pages = options.checks() == Checks.EVERY_STEP_AND_PAGE || step % COMPARE_EVERY == 0;
        return different == null && pages ? both.compareAll() : different;
    }
}
