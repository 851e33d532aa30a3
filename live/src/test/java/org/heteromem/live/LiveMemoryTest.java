package org.heteromem.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.heteromem.live.doctor.Doctor;
import org.heteromem.live.doctor.Tier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/** Every scenario with a private daemon as this user, and then as a user without rights; and how daemons end. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LiveMemoryTest {
    private static final int PATIENCE_SECONDS = 60;

    @ParameterizedTest
    @EnumSource
    void worksAsThisUser(LiveScenario scenario) throws Exception {
        scenario.run();
    }

    @Test
    void worksForAnUnprivilegedUser(@TempDir Path directory) throws Exception {
        Process process = OtherUser.start(
                OtherUser.command(directory, List.of(), LiveScenario.Main.class), ProcessBuilder.Redirect.PIPE);
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output.lines().filter(line -> line.startsWith("passed ")))
                .as(output)
                .containsExactlyElementsOf(Arrays.stream(LiveScenario.values())
                        .map(s -> "passed " + s)
                        .toList());
    }

    /** What else is tested as one user only, without rights: kernels, and daemons that are killed. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "org.heteromem.live.LaunchTest",
                "org.heteromem.live.interplay.InterplayTest",
                "org.heteromem.live.client.ArenasTest",
                "org.heteromem.live.client.LossTest",
                "org.heteromem.live.daemon.FullHeapTest",
                "org.heteromem.live.daemon.HostileClientsTest",
                "org.heteromem.live.daemon.TroubleTest",
                "org.heteromem.live.daemon.DaemonTest",
                "org.heteromem.live.daemon.FaultPumpTest",
                "org.heteromem.live.daemon.LiveMmuTest",
                "org.heteromem.live.daemon.LiveStoreTest",
                "org.heteromem.live.daemon.ManyClientsTest",
                "org.heteromem.live.daemon.SlowClientTest",
                "org.heteromem.live.daemon.KillTest#theDaemonIsKilledAtRandom",
                "org.heteromem.live.daemon.KillTest#theKeeperIsKilledAtRandom",
                "org.heteromem.live.daemon.KillTest#aProgramDoesNotNotice(int)",
                "org.heteromem.live.daemon.KillTest#aProgramWithKernelsIsToldAndNothingIsLost(java.lang.String)",
                "org.heteromem.live.daemon.KillTest#theDaemonIsKilledWherePagesMove(org.heteromem.live.daemon.FailPoint)",
                "org.heteromem.live.daemon.KillTest#theDaemonIsKilledWhereAProgramAsks(org.heteromem.live.daemon.FailPoint)",
                "org.heteromem.live.daemon.KillTest#theDaemonIsKilledWherePagesAreLost(org.heteromem.live.daemon.FailPoint)",
                "org.heteromem.live.daemon.KillTest#theSuccessorIsKilled(org.heteromem.live.daemon.FailPoint)",
                "org.heteromem.live.daemon.RestartTest",
            })
    void otherTestsPassForAnUnprivilegedUser(String test, @TempDir Path directory) throws Exception {
        Process process = OtherUser.start(
                OtherUser.command(
                        directory,
                        List.of(
                                "heteromem.kills=2",
                                "heteromem.seed=" + Long.getLong("heteromem.seed", System.nanoTime())),
                        Tests.class,
                        test),
                ProcessBuilder.Redirect.PIPE);
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output).contains("all passed");
        // Where every user has all rights there is nobody to try it as.
        assumeThat(output).contains(Tier.USER_MODE_ONLY.label());
    }

    /** Runs a class of tests, or a single one, and says what failed. */
    static final class Tests {
        private Tests() {}

        public static void main(String[] args) {
            SummaryGeneratingListener summary = new SummaryGeneratingListener();
            LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                    .selectors(
                            args[0].contains("#")
                                    ? DiscoverySelectors.selectMethod(args[0])
                                    : DiscoverySelectors.selectClass(args[0]))
                    .build();
            System.out.println(Doctor.examine().tier().label());
            LauncherFactory.create().execute(request, summary);
            TestExecutionSummary found = summary.getSummary();
            found.getFailures().forEach(failure -> {
                System.out.println(failure.getTestIdentifier().getDisplayName());
                failure.getException().printStackTrace(System.out);
            });
            boolean good = found.getTotalFailureCount() == 0 && found.getTestsSucceededCount() > 0;
            System.out.println(found.getTestsSucceededCount() + (good ? " tests, all passed" : " passed"));
            System.exit(good ? 0 : 1);
        }
    }

    @Test
    void aPrivateDaemonEndsWithItsProgramHoweverThatEnds() throws Exception {
        Process program = new ProcessBuilder(java(classPath(), Holder.class))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader out =
                new BufferedReader(new InputStreamReader(program.getInputStream(), StandardCharsets.UTF_8))) {
            long pid = Long.parseLong(out.readLine());
            ProcessHandle daemon = ProcessHandle.of(pid).orElseThrow();
            program.destroyForcibly();
            daemon.onExit().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        }
    }

    /** Opens memory, prints who serves it, and holds it. */
    static final class Holder {
        private Holder() {}

        public static void main(String[] args) throws InterruptedException {
            Heteromem memory = Heteromem.open(Options.ram(LiveScenario.RAM).overflow("ram", LiveScenario.OVERFLOW));
            memory.arena().allocate(2 * LiveScenario.RAM, 8).fill((byte) 1);
            System.out.println(memory.daemonPid());
            Thread.sleep(Long.MAX_VALUE);
        }
    }

    @Test
    void theCompilerOfADaemonGivesWayToWhoServesFaults() throws IOException {
        try (Heteromem memory = Heteromem.open(Options.ram(LiveScenario.RAM).overflow("ram", LiveScenario.OVERFLOW));
                Arena arena = memory.arena();
                Stream<Path> threads = Files.list(Path.of("/proc/" + memory.daemonPid() + "/task"))) {
            arena.allocate(1).fill((byte) 1); // a thread has its name once it has done something
            Set<String> seen = new HashSet<>();
            for (Path thread : threads.toList()) {
                String stat;
                try {
                    stat = Files.readString(thread.resolve("stat"));
                } catch (IOException _) {
                    continue; // it has ended
                }
                int name = stat.lastIndexOf(')');
                seen.add(stat.substring(stat.indexOf('(') + 1, name) + " at "
                        + stat.substring(name + 2).split(" ", -1)[16]);
            }
            assertThat(seen).contains("C2 CompilerThre at 10", "pump-1 at 0");
        }
    }

    @Test
    void aDaemonThatCannotServeSaysWhy() {
        assertThatExceptionOfType(HeteromemException.class)
                .isThrownBy(() -> Heteromem.open(Options.ram("16M").overflow("tape", "1G")))
                .withMessageContaining("tape");
        assertThatExceptionOfType(HeteromemException.class)
                .isThrownBy(() -> Heteromem.open(Options.ram("4K")))
                .withMessageContaining("4096 bytes");
    }

    private static String classPath() {
        return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    }

    private static List<String> java(String classPath, Class<?> main) {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseParallelGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classPath,
                main.getName());
    }
}
