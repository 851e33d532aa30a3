package org.heteromem.proof.mutate;

import java.util.List;
import org.heteromem.proof.run.Fuzz;
import org.heteromem.proof.run.Fuzz.Checks;
import org.heteromem.proof.run.Fuzz.Options;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/** Runs the quick part of the suite against the core that is on the class path; the first failure ends it, exit code 1. */
final class Victim {
    private static final List<String> TESTS = List.of(
            "org.heteromem.core.SmokeTest",
            "org.heteromem.core.RemapTest",
            "org.heteromem.core.RaceTest",
            "org.heteromem.core.DriverMischiefTest",
            "org.heteromem.cli.conform.ConformanceTest",
            "org.heteromem.core.ConcurrencyTest");

    private Victim() {}

    public static void main(String[] arguments) {
        random(Options.of(1, 12_000, Checks.EVERY_STEP_AND_PAGE));
        random(Options.of(2, 60_000, Checks.OUTCOMES));
        random(Options.of(3, 4_000, Checks.EVERY_STEP_AND_PAGE).withTrouble(0.1));
        TESTS.forEach(Victim::test);
        System.out.println("SURVIVED");
        System.exit(0);
    }

    private static void caught(String by) {
        System.out.println("CAUGHT " + by.lines().findFirst().orElse(""));
        System.exit(1);
    }

    private static void random(Options options) {
        try {
            Fuzz.Result result = new Fuzz(options).run();
            if (result.failure() != null) {
                caught("random run: " + result.failure());
            }
        } catch (RuntimeException | Error e) {
            caught("random run: " + e);
        }
    }

    private static void test(String name) {
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(DiscoverySelectors.selectClass(name))
                .build();
        SummaryGeneratingListener listener = new SummaryGeneratingListener();
        LauncherFactory.create().execute(request, listener);
        List<TestExecutionSummary.Failure> failures = listener.getSummary().getFailures();
        if (!failures.isEmpty()) {
            caught(failures.get(0).getTestIdentifier().getLegacyReportingName() + " of " + name + ": "
                    + failures.get(0).getException());
        }
    }
}
