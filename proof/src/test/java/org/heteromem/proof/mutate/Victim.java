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
    /** Seconds of processor time: several times what any random run or test class takes with a core that is sound. */
    private static final long MOST_SECONDS = 90;
    /** So long nothing at all was done: something waits for ever. */
    private static final long MOST_IDLE_SECONDS = 30;
    /** Less processor time than this is nothing: a virtual machine that only waits is not quite idle. */
    private static final long IDLE_MILLIS = 150;
    /** A single test is seen to by what is above, however slow a machine is that does much else. */
    private static final long MOST_TEST_MINUTES = 30;

    private static final List<String> CORE_TESTS = List.of(
            "org.heteromem.core.SmokeTest",
            "org.heteromem.core.RemapTest",
            "org.heteromem.core.RaceTest",
            "org.heteromem.core.MmuPortTest",
            "org.heteromem.core.DriverMischiefTest",
            "org.heteromem.core.DeviceRemovalTest",
            "org.heteromem.core.ErrorPathsTest",
            "org.heteromem.core.FailingPortsTest",
            "org.heteromem.core.HomedMemoryTest",
            "org.heteromem.core.HomedVictimsTest",
            "org.heteromem.core.space.StateAuditTest",
            "org.heteromem.core.space.RestoredEntryTest",
            "org.heteromem.core.mmu.TranslationCacheTest");

    private static final List<String> DEVICES_TESTS = List.of(
            "org.heteromem.devices.storage.PageStoresTest",
            "org.heteromem.devices.storage.StorageDeviceTest",
            "org.heteromem.devices.storage.CopiesTest",
            "org.heteromem.devices.storage.OverflowTest");

    private static final List<String> SLOW_TESTS = List.of(
            "org.heteromem.cli.conform.ConformanceTest",
            "org.heteromem.core.ConcurrencyTest",
            "org.heteromem.devices.accelerator.AcceleratorTest",
            "org.heteromem.stress.soak.SoakTest");

    private Victim() {}

    /** Argument: the module of the defect, if there is one; what does not use that module cannot notice. */
    public static void main(String[] arguments) {
        System.setProperty("heteromem.soak.seconds", "15");
        if (arguments.length > 0 && arguments[0].equals("devices")) {
            storage();
            DEVICES_TESTS.forEach(Victim::test);
        } else {
            core();
            storage();
            CORE_TESTS.forEach(Victim::test);
            DEVICES_TESTS.forEach(Victim::test);
        }
        SLOW_TESTS.forEach(Victim::test);
        System.out.println("SURVIVED");
        System.exit(0);
    }

    private static void core() {
        random(Options.of(1, 12_000, Checks.EVERY_STEP_AND_PAGE));
        random(Options.of(2, 60_000, Checks.OUTCOMES));
        random(Options.of(3, 4_000, Checks.EVERY_STEP_AND_PAGE).withTrouble(0.1));
    }

    private static void storage() {
        random(Options.of(4, 9_000, Checks.EVERY_STEP_AND_PAGE).withStorage());
        random(Options.of(5, 3_000, Checks.EVERY_STEP_AND_PAGE).withStorage().withTrouble(0.1));
    }

    private static void caught(String by, String how) {
        String line = how.strip().replaceAll("\\s+", " ");
        System.out.println("CAUGHT by " + by + ": " + line.substring(0, Math.min(200, line.length())));
        // Not exit, which might wait for what hangs.
        Runtime.getRuntime().halt(1);
    }

    private static long processorMillis() {
        return ProcessHandle.current()
                .info()
                .totalCpuDuration()
                .orElseThrow(() -> new IllegalStateException("the system does not tell the time that a process used"))
                .toMillis();
    }

    /** Ends a part that uses the processor for too long, or not at all; that others use it does not count. */
    private static void watch(String name, CountDownLatch done) {
        long begun = processorMillis();
        long seen = begun;
        int idle = 0;
        try {
            while (!done.await(1, TimeUnit.SECONDS)) {
                long now = processorMillis();
                if (now - begun > TimeUnit.SECONDS.toMillis(MOST_SECONDS)) {
                    caught("patience", name + " did not end within " + MOST_SECONDS + " s of processor time");
                }
                if (now - seen > IDLE_MILLIS || anyRuns()) {
                    seen = now;
                    idle = 0;
                } else if (++idle >= MOST_IDLE_SECONDS) {
                    caught("patience", name + " waits for ever");
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether a thread would go on if it had a processor; the one that handles references always says so. */
    private static boolean anyRuns() {
        return Thread.getAllStackTraces().entrySet().stream()
                .anyMatch(thread -> thread.getKey() != Thread.currentThread()
                        && thread.getKey().getState() == Thread.State.RUNNABLE
                        && thread.getValue().length > 0
                        && !thread.getValue()[0].getClassName().startsWith("java.lang.ref."));
    }

    /** Runs one part of the suite, for as long as patience lasts. */
    private static void part(String name, Runnable tests) {
        CountDownLatch done = new CountDownLatch(1);
        Thread.ofPlatform().daemon().start(() -> watch(name, done));
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
        part(name, () -> {
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
                .configurationParameter("junit.jupiter.execution.timeout.default", MOST_TEST_MINUTES + " m")
                .configurationParameter("junit.jupiter.execution.timeout.thread.mode.default", "SEPARATE_THREAD")
                .build();
        part(simple, () -> {
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
