package org.heteromem.proof.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.heteromem.proof.run.Fuzz.Checks;
import org.heteromem.proof.run.Fuzz.Options;
import org.heteromem.proof.world.Trouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The core against the reference model. Another seed and more steps: {@code -Dheteromem.seed=N -Dproof.scale=F}. A step that
 * does not end is found by a watchdog, which is there for that and no measure of speed.
 */
class RandomRunTest {
    private static final long SEED = Long.getLong("heteromem.seed", 20_261_121);
    private static final double SCALE = Double.parseDouble(System.getProperty("proof.scale", "1"));
    private static final long WATCHDOG_MINUTES = 10;

    static Fuzz.Result run(Options options) throws InterruptedException {
        Fuzz fuzz = new Fuzz(options);
        Fuzz.Result result;
        try {
            result = CompletableFuture.supplyAsync(fuzz::run).get(WATCHDOG_MINUTES, TimeUnit.MINUTES);
        } catch (TimeoutException e) {
            throw new AssertionError("a step does not end:\n" + fuzz.underWay(), e);
        } catch (ExecutionException e) {
            throw new AssertionError("seed " + options.seed() + " failed:\n" + fuzz.underWay(), e);
        }
        System.out.printf(
                "seed %d, %s%s, trouble %.2f: %d steps in %d runs, %d of them errors as they must be, faults injected %s%n",
                options.seed(),
                options.checks(),
                options.storage() ? ", with storage" : "",
                options.trouble(),
                result.steps(),
                result.runs(),
                result.failed(),
                result.injected());
        Failure failure = result.failure();
        if (failure != null) {
            throw new AssertionError(failure + "\n\nAs a test to paste:\n\n" + failure.toJava() + "\nAs a scenario:\n\n"
                    + failure.toScenario());
        }
        return result;
    }

    @ParameterizedTest
    @CsvSource({"OUTCOMES, 1000000", "EVERY_STEP, 60000", "EVERY_STEP_AND_PAGE, 30000"})
    void theModelAgrees(Checks checks, long steps) throws InterruptedException {
        long wanted = (long) (steps * SCALE);
        assertThat(run(Options.of(SEED, wanted, checks)).steps()).isGreaterThanOrEqualTo(wanted);
    }

    @ParameterizedTest
    @CsvSource({"0.01, 15000", "0.1, 15000", "0.4, 15000", "1, 1500"})
    void theModelAgreesWhenTheOutsideFails(double trouble, long steps) throws InterruptedException {
        Fuzz.Result result = run(Options.of(SEED, (long) (steps * SCALE), Checks.EVERY_STEP_AND_PAGE)
                .withTrouble(trouble));
        assertThat(result.injected().get(Trouble.Point.ALLOCATION)).isPositive();
    }

    @Test
    void everyPointOfFailureIsReached() throws InterruptedException {
        Map<Trouble.Point, Long> injected =
                new EnumMap<>(run(Options.of(SEED + 1, 20_000, Checks.OUTCOMES).withTrouble(0.1))
                        .injected());
        injected.keySet().removeAll(Trouble.OF_STORAGE);
        assertThat(injected.values()).allMatch(times -> times > 0);
    }

    @ParameterizedTest
    @CsvSource({"OUTCOMES, 60000", "EVERY_STEP, 15000", "EVERY_STEP_AND_PAGE, 10000"})
    void theModelAgreesWhenRamIsSmallAndStorageTakesTheRest(Checks checks, long steps) throws InterruptedException {
        long wanted = (long) (steps * SCALE);
        assertThat(run(Options.of(SEED, wanted, checks).withStorage()).steps()).isGreaterThanOrEqualTo(wanted);
    }

    @ParameterizedTest
    @CsvSource({"0.01, 6000", "0.1, 6000", "0.4, 3000"})
    void theModelAgreesWhenStorageFails(double trouble, long steps) throws InterruptedException {
        Fuzz.Result result = run(Options.of(SEED, (long) (steps * SCALE), Checks.EVERY_STEP_AND_PAGE)
                .withStorage()
                .withTrouble(trouble));
        Map<Trouble.Point, Long> injected = new EnumMap<>(result.injected());
        injected.keySet().retainAll(Trouble.OF_STORAGE);
        assertThat(injected.values()).allMatch(times -> times > 0);
    }
}
