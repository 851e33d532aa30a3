package org.heteromem.proof.mutate;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.heteromem.proof.run.Fuzz;
import org.heteromem.proof.run.Fuzz.Checks;
import org.heteromem.proof.run.Fuzz.Options;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary.Failure;

/**
 * Runs the quick part of the suite against the classes that are on the class path, quickest first. How it ended is said in a
 * line that begins with CAUGHT (exit code 1) or SURVIVED.
 */
final class Victim {
    /** Something waits for ever: several times what any random run or test takes with a core that is sound. */
    private static final long MOST_SECONDS = 60;
    /** The same for all tests of a class. */
    private static final long MOST_CLASS_SECONDS = 150;

    private static final List<String> TESTS = List.of(
            "org.heteromem.core.SmokeTest",
            "org.heteromem.core.RemapTest",
            "org.heteromem.core.RaceTest",
            "org.heteromem.core.MmuPortTest",
            "org.heteromem.core.DriverMischiefTest",
            "org.heteromem.core.ErrorPathsTest",
            "org.heteromem.core.HomedMemoryTest",
            "org.heteromem.core.space.RestoredEntryTest",
            "org.heteromem.core.mmu.TranslationCacheTest",
            "org.heteromem.devices.storage.PageStoresTest",
            "org.heteromem.devices.storage.StorageDeviceTest",
            "org.heteromem.devices.storage.CopiesTest",
            "org.heteromem.cli.conform.ConformanceTest",
            "org.heteromem.core.ConcurrencyTest",
            "org.heteromem.devices.accelerator.AcceleratorTest",
            "org.heteromem.stress.soak.SoakTest");

    private Victim() {}

    public static void main(String[] arguments) {
        System.setProperty("heteromem.soak.seconds", "15");
        random(Options.of(1, 12_000, Checks.EVERY_STEP_AND_PAGE));
        random(Options.of(2, 60_000, Checks.OUTCOMES));
        random(Options.of(3, 4_000, Checks.EVERY_STEP_AND_PAGE).withTrouble(0.1));
        random(Options.of(4, 9_000, Checks.EVERY_STEP_AND_PAGE).withStorage());
        random(Options.of(5, 3_000, Checks.EVERY_STEP_AND_PAGE).withStorage().withTrouble(0.1));
        TESTS.forEach(Victim::test);
        System.out.println("SURVIVED");
        System.exit(0);
    }

    private static void caught(String by, String how) {
        String line = how.strip().replaceAll("\\s+", " ");
        System.out.println("CAUGHT by " + by + ": " + line.substring(0, Math.min(200, line.length())));
        // Not exit, which might wait for what hangs.
        Runtime.getRuntime().halt(1);
    }

    /** Runs one part of the suite, for as long as patience lasts. */
    private static void part(String name, long seconds, Runnable tests) {
        CountDownLatch done = new CountDownLatch(1);
        Thread.ofPlatform().daemon().start(() -> {
            try {
                if (!done.await(seconds, TimeUnit.SECONDS)) {
                    caught("patience", name + " did not end within " + seconds + " s");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        long begun = System.nanoTime();
        try {
            tests.run();
        } catch (RuntimeException | Error e) {
            caught(name, e.toString());
        }
        done.countDown();
        System.out.println(name + " passed in " + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun) + " ms");
    }

    private static void random(Options options) {
        String name = "random run of seed " + options.seed();
        part(name, MOST_SECONDS, () -> {
            Fuzz.Result result = new Fuzz(options).run();
            if (result.failure() != null) {
                caught(name, result.failure().toString());
            }
        });
    }

    private static void test(String name) {
        String simple = name.substring(name.lastIndexOf('.') + 1);
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(DiscoverySelectors.selectClass(name))
                .configurationParameter("junit.jupiter.execution.timeout.default", MOST_SECONDS + " s")
                .configurationParameter("junit.jupiter.execution.timeout.thread.mode.default", "SEPARATE_THREAD")
                .build();
        part(simple, MOST_CLASS_SECONDS, () -> {
            SummaryGeneratingListener listener = new SummaryGeneratingListener();
            LauncherFactory.create().execute(request, listener);
            for (Failure failure : listener.getSummary().getFailures()) {
                String method = failure.getTestIdentifier().getLegacyReportingName();
                caught(simple + '.' + method, String.valueOf(failure.getException()));
            }
            if (listener.getSummary().getTestsSucceededCount() == 0) {
                throw new IllegalStateException("there is no test to run in " + name);
            }
        });
    }
}
