package org.heteromem.live.client;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.heteromem.live.Options;
import org.heteromem.live.OtherUser;
import org.heteromem.live.UnavailableException;
import org.heteromem.live.daemon.Daemon;
import org.heteromem.live.daemon.DaemonOptions;
import org.heteromem.live.daemon.Jvm;
import org.heteromem.live.daemon.Stranger;
import org.heteromem.live.doctor.Diagnosis;
import org.heteromem.live.doctor.Doctor;
import org.heteromem.live.doctor.Finding;
import org.heteromem.live.doctor.Tier;
import org.heteromem.live.doctor.Verdict;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.Processes;
import org.heteromem.live.natives.Uffdio;
import org.heteromem.live.natives.UnixSocket;
import org.heteromem.live.natives.Userfault;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ConnectingTest {
    private static final long RAM = 1 << 20;

    @TempDir
    private Path directory;

    private Connecting here(Map<String, String> environment) {
        return new Connecting(
                environment,
                new Sockets(environment, directory),
                () -> Userfault.open(Uffdio.REQUIRED_FEATURES),
                Doctor::examine);
    }

    @Test
    void aMachineThatCannotFailsWithTheDoctorsWords() {
        Diagnosis diagnosis = new Diagnosis(
                Tier.NONE,
                List.of(new Finding(
                        "user-mode faults", Verdict.FAILS, "a filter forbids it", Optional.of("allow it"))));
        Connecting connecting = new Connecting(
                Map.of(),
                new Sockets(Map.of(), directory),
                () -> {
                    throw new NativeException("userfaultfd", "", Errno.EPERM);
                },
                () -> diagnosis);
        assertThatExceptionOfType(UnavailableException.class)
                .isThrownBy(() -> connecting.open(Options.defaults()))
                .withMessage(diagnosis.refusal());
    }

    @Test
    void aSocketThatWasNamedMustHaveADaemon() {
        Path path = directory.resolve("s");
        assertThatExceptionOfType(UnavailableException.class)
                .isThrownBy(() -> here(Map.of()).open(Options.ram("1G").socket(path)))
                .withMessageContaining("there is no daemon at " + path)
                .withMessageContaining("ENOENT")
                .withMessageContaining("heteromem daemon");
        // Also if it is the environment that names it, and devices are given.
        assertThatExceptionOfType(UnavailableException.class)
                .isThrownBy(() -> here(Map.of(Options.SOCKET_VARIABLE, path.toString()))
                        .open(Options.ram("1G").overflow("compressed", "1G")))
                .withMessageContaining("there is no daemon at " + path);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> here(Map.of()).open(Options.defaults().socket(Path.of("/" + "x".repeat(200)))))
                .withMessageContaining("socket path of 201 bytes");
    }

    @Test
    void whoeverHangsUpIsNoDaemon() throws Exception {
        Path path = directory.resolve("s");
        try (UnixSocket listening = UnixSocket.listen(path, 1)) {
            Thread other = new Thread(() -> listening.accept().close());
            other.start();
            assertThatExceptionOfType(org.heteromem.live.HeteromemException.class)
                    .isThrownBy(() -> here(Map.of()).open(Options.defaults().socket(path)))
                    .withMessageContaining("cannot open memory with the daemon at " + path);
            other.join();
        }
    }

    /** A daemon without devices, a process of its own; says {@code there} when it listens, and ends with its input. */
    public static final class UsersDaemon {
        private UsersDaemon() {}

        /** With the path of its socket. */
        public static void main(String[] arguments) throws IOException {
            DaemonOptions options =
                    new DaemonOptions(Path.of(arguments[0]), 8 * RAM, 2 * RAM, List.of(), DaemonOptions.OnLoss.KILL, 0);
            Consumer<String> out = System.err::println;
            try (Daemon daemon = new Daemon(options, out)) {
                Thread.ofPlatform().daemon().start(daemon::run);
                System.out.println("there");
                System.in.readAllBytes();
            }
        }
    }

    /** What a test does beside a daemon that listens where daemons listen by themselves. */
    private interface Body {
        void run(Connecting here, long daemonPid) throws Exception;
    }

    private void besideTheUsersDaemon(Body body) throws Exception {
        Map<String, String> environment = Map.of("XDG_RUNTIME_DIR", directory.toString());
        Path socket = new Sockets(environment, directory).defaultSocket();
        Files.createDirectory(Objects.requireNonNull(socket.getParent()));
        Process daemon = new ProcessBuilder(Jvm.command(UsersDaemon.class, socket))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader said = daemon.inputReader()) {
            assertThat(said.readLine()).isEqualTo("there");
            body.run(here(environment), daemon.pid());
        } finally {
            daemon.destroyForcibly().waitFor();
        }
    }

    private static void assertUsable(MemorySegment longs) {
        for (long i = 0; i < longs.byteSize() / Long.BYTES; i++) {
            longs.setAtIndex(JAVA_LONG, i, i * i);
        }
        for (long i = 0; i < longs.byteSize() / Long.BYTES; i++) {
            if (longs.getAtIndex(JAVA_LONG, i) != i * i) {
                throw new AssertionError("word " + i + " is " + longs.getAtIndex(JAVA_LONG, i) + ", not " + i * i);
            }
        }
    }

    @Test
    void whoNamesNoSocketIsServedByTheUsersDaemon() throws Exception {
        besideTheUsersDaemon((here, daemonPid) -> {
            try (Session session = here.open(Options.ram(RAM)).session();
                    Arena arena = session.arena(Arena.ofConfined())) {
                assertThat((long) session.limits().daemonPid()).isEqualTo(daemonPid);
                assertThat(session.limits().ramBytes()).isEqualTo(RAM);
                assertUsable(arena.allocate(RAM / 2, Long.BYTES));
            }
        });
    }

    /** A daemon that runs already has the devices that it has. */
    @Test
    void whoNamesADeviceGetsADaemonOfHisOwnBesideTheUsers() throws Exception {
        besideTheUsersDaemon((here, daemonPid) -> {
            try (Session session =
                            here.open(Options.ram(RAM).overflow("ram", 4 * RAM)).session();
                    Arena arena = session.arena(Arena.ofConfined())) {
                long ownPid = session.limits().daemonPid();
                assertThat(ownPid).isNotEqualTo(daemonPid);
                assertThat(ProcessHandle.of(ownPid)
                                .flatMap(ProcessHandle::parent)
                                .map(ProcessHandle::pid))
                        .hasValue(ProcessHandle.current().pid());
                // The user's daemon has no room for it.
                assertUsable(arena.allocate(2 * RAM, Long.BYTES));
            }
        });
    }

    /** Where daemons listen by themselves another one may have been first; he would be handed all that the program has. */
    @Test
    void anotherUsersDaemonThatNobodyNamedIsGivenNothing() throws Exception {
        assumeTrue(Processes.effectiveUserId() == 0, "not run: only root can start a process of another user");
        Path folder = OtherUser.folderOfEverybody(directory);
        Path sockets = Files.createDirectory(folder.resolve("heteromem"));
        Files.setPosixFilePermissions(sockets, PosixFilePermissions.fromString("rwxrwxrwx"));
        Path socket = sockets.resolve("daemon.sock");
        Process stranger = OtherUser.start(
                OtherUser.command(directory, List.of(), Stranger.class, "listen", socket),
                ProcessBuilder.Redirect.PIPE);
        try (BufferedReader said = stranger.inputReader()) {
            assertThat(said.readLine()).isEqualTo("there");
            assertThatExceptionOfType(UnavailableException.class)
                    .isThrownBy(() ->
                            here(Map.of("XDG_RUNTIME_DIR", folder.toString())).open(Options.ram("1G")))
                    .withMessageContaining("the daemon at " + socket + " belongs to user id " + OtherUser.NOBODY)
                    .withMessageContaining(Options.SOCKET_VARIABLE);
            assertThat(said.readLine()).isEqualTo("0");
        } finally {
            stranger.destroyForcibly();
        }
    }

    /** The daemon works in a directory of its own, which goes with it. */
    @Test
    void aRelativePathIsMeantFromWhereTheProgramIs() {
        assertThat(PrivateDaemon.command(
                        Options.ram("1M").overflow("file:below/swap", "1M"),
                        new DaemonCode(List.of()),
                        Path.of("/s"),
                        7))
                .contains("file:" + Path.of("").toAbsolutePath() + "/below/swap:1048576");
    }

    @Test
    void aDaemonHasTheHeapForWhatItManages() {
        List<String> command = PrivateDaemon.command(
                Options.ram("512M").overflow("compressed", "8G").kernels(Path.of("/k.jar")),
                new DaemonCode(List.of("-cp", "x", "Main")),
                Path.of("/s"),
                7);
        assertThat(command)
                .contains("-Xmx236m")
                .containsSequence("-cp", "x", "Main", "--socket", "/s", "--after", "7")
                .containsSequence("--ram", "536870912", "--overflow", "compressed:8589934592", "--kernels", "/k.jar");
        // All of four times 4 GiB can be there, beside what is in RAM.
        assertThat(PrivateDaemon.command(
                        Options.ram("32G").overflow("compressed", "4G"), new DaemonCode(List.of()), Path.of("/s"), 7))
                .contains("-Xmx674m");
        assertThat(PrivateDaemon.command(Options.defaults(), new DaemonCode(List.of()), Path.of("/s"), 7))
                .contains("--ram");
    }
}
