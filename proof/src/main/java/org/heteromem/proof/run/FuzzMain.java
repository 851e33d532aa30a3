package org.heteromem.proof.run;

import java.util.Locale;
import org.heteromem.proof.run.Fuzz.Checks;
import org.heteromem.proof.run.Fuzz.Options;

/** Random runs from the command line: how fast they are, or a long search. */
public final class FuzzMain {
    /** So much is done first, and not measured. */
    private static final double WARM_UP = 0.25;

    private FuzzMain() {}

    /**
     * Runs.
     *
     * @param arguments a seed, how many steps, which {@link Checks}, and perhaps {@code storage}
     */
    public static void main(String[] arguments) {
        if (arguments.length < 3 || arguments.length == 4 && !arguments[3].equals("storage") || arguments.length > 4) {
            System.err.println("usage: fuzz SEED STEPS OUTCOMES|EVERY_STEP|EVERY_STEP_AND_PAGE [storage]");
            System.exit(2);
        }
        long seed = Long.parseLong(arguments[0]);
        long steps = Long.parseLong(arguments[1]);
        Checks checks = Checks.valueOf(arguments[2]);
        boolean storage = arguments.length == 4;
        run(options(~seed, (long) (steps * WARM_UP), checks, storage));
        long begun = System.nanoTime();
        Fuzz.Result result = run(options(seed, steps, checks, storage));
        double seconds = (System.nanoTime() - begun) / 1e9;
        System.out.printf(
                Locale.ROOT,
                "seed %d, %s%s: %d steps in %.1f s, %.0f a second; %d gave an error, as they must%n",
                seed,
                checks,
                storage ? ", storage" : "",
                result.steps(),
                seconds,
                result.steps() / seconds,
                result.failed());
    }

    private static Options options(long seed, long steps, Checks checks, boolean storage) {
        Options options = Options.of(seed, steps, checks);
        return storage ? options.withStorage() : options;
    }

    private static Fuzz.Result run(Options options) {
        Fuzz.Result result = new Fuzz(options).run();
        Failure failure = result.failure();
        if (failure != null) {
            System.err.println(failure + "\n\nAs a test to paste:\n\n" + failure.toJava() + "\nAs a scenario:\n\n"
                    + failure.toScenario());
            System.exit(1);
        }
        return result;
    }
}
