package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.heteromem.live.OtherUser;
import org.heteromem.live.keeper.KeeperMain;
import org.heteromem.live.natives.Processes;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * Another user at the sockets of a daemon and its keeper: he is given nothing, even where the rights of the files would let
 * him.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StrangersTest {
    private static final long RAM = 1 << 20;

    /** Without a cleanup of its own a keeper that is just ending would make it fail. */
    @TempDir(cleanup = CleanupMode.NEVER)
    private Path directory;

    private Path folder;
    private final Queue<String> log = new ConcurrentLinkedQueue<>();
    private final List<Process> started = new ArrayList<>();

    @BeforeEach
    void onlyRootCanBeTwoUsers() throws IOException {
        assumeTrue(Processes.effectiveUserId() == 0, "not run: only root can start a process of another user");
        folder = OtherUser.folderOfEverybody(directory);
    }

    @AfterEach
    void nobodyIsLeft() throws IOException, InterruptedException {
        started.forEach(Process::destroyForcibly);
        while (Jvm.running(KeeperMain.class, socket().toString()).findAny().isPresent()) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
        try (var files = Files.walk(directory)) {
            for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(file);
            }
        }
    }

    private Path socket() {
        return folder.resolve("s");
    }

    private Path keeper() {
        return folder.resolve("s.keeper");
    }

    private BufferedReader stranger(String how, Path at) throws IOException, InterruptedException {
        Process process = OtherUser.start(
                OtherUser.command(directory, List.of(), Stranger.class, how, at), ProcessBuilder.Redirect.PIPE);
        started.add(process);
        BufferedReader said =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        assertThat(said.readLine()).isEqualTo("there");
        return said;
    }

    private static void open(Path socket) throws IOException {
        Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rwxrwxrwx"));
    }

    private DaemonOptions options() {
        return new DaemonOptions(socket(), 8 * RAM, RAM, List.of("ram:8M"), DaemonOptions.OnLoss.KILL, 0);
    }

    @Test
    void whoListensInTheKeepersPlaceIsGivenNothing() throws IOException, InterruptedException {
        BufferedReader listener = stranger("listen", keeper());
        assertThatIllegalStateException()
                .isThrownBy(() -> Daemon.withKeeper(options(), log::add))
                .withMessageContaining("user " + OtherUser.NOBODY)
                .withMessageContaining(keeper().toString());
        assertThat(listener.readLine()).isEqualTo("0");
        assertThat(socket()).doesNotExist();
    }

    @Test
    void whoComesToTheDaemonIsNotServed() throws IOException, InterruptedException {
        Thread serving;
        try (Daemon daemon = new Daemon(options(), log::add)) {
            serving = Thread.ofPlatform().start(daemon::run);
            open(socket());
            assertThat(stranger("connect", socket()).readLine()).isEqualTo("0");
            assertThat(log).anyMatch(line -> line.contains("user " + OtherUser.NOBODY + " is not served"));
            assertThat(daemon.sessions()).isEmpty();
        }
        serving.join();
    }

    @Test
    void whoComesToTheKeeperIsGivenNothing() throws IOException, InterruptedException {
        Process first = daemon("1");
        Told client = new Told(socket(), RAM, () -> "");
        started.add(client.process);
        client.expect("done", "memory " + 4 * RAM);
        client.expect("done", "write 0 1024 1");
        first.destroyForcibly().waitFor();
        open(keeper());
        assertThat(stranger("connect", keeper()).readLine()).isEqualTo("0");
        daemon("2");
        client.expect("right", "check 0 1024 1");
        assertThat(client.leave()).isZero();
    }

    private Process daemon(String name) throws IOException, InterruptedException {
        Path said = directory.resolve(name + ".log");
        Process daemon = Jvm.start(
                DaemonMain.class, said.toFile(), "--socket", socket(), "--ram", 8 * RAM, "--overflow", "ram:8M");
        started.add(daemon);
        while (!Jvm.text(said.toFile()).contains("listens at")) {
            assertThat(daemon.isAlive()).isTrue();
            TimeUnit.MILLISECONDS.sleep(10);
        }
        return daemon;
    }
}
