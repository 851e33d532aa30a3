package org.heteromem.live.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.heteromem.live.UnavailableException;
import org.heteromem.live.natives.Processes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SocketsTest {
    @TempDir
    private Path directory;

    @Test
    void theRuntimeDirectoryIsUsedIfThereIsOne() {
        Path temporary = directory.resolve("tmp");
        String own = "heteromem-" + Processes.effectiveUserId();
        assertThat(new Sockets(Map.of("XDG_RUNTIME_DIR", directory.toString()), temporary).defaultSocket())
                .isEqualTo(directory.resolve("heteromem/daemon.sock"));
        for (String unusable : new String[] {"", "relative", "/nonexistent"}) {
            assertThat(new Sockets(Map.of("XDG_RUNTIME_DIR", unusable), temporary).defaultSocket())
                    .isEqualTo(temporary.resolve(own).resolve("daemon.sock"));
        }
        assertThat(new Sockets(Map.of(), temporary).defaultSocket())
                .isEqualTo(temporary.resolve(own).resolve("daemon.sock"));
    }

    @Test
    void privateDirectoriesAreForTheirOwnerAndThoseOfTheDeadAreCleared() throws Exception {
        Sockets sockets = new Sockets(Map.of(), directory);
        Path mine = sockets.newPrivateDirectory();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(mine)))
                .isEqualTo("rwx------");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(mine.getParent())))
                .isEqualTo("rwx------");
        Process gone = new ProcessBuilder("true").start();
        gone.waitFor();
        Path dead = Files.createDirectory(mine.resolveSibling("private-" + gone.pid() + "-1"));
        Files.writeString(dead.resolve("daemon.log"), "words");
        Path other = Files.createDirectory(mine.resolveSibling("something-else"));
        Path second = sockets.newPrivateDirectory();
        assertThat(second).isNotEqualTo(mine).exists();
        assertThat(mine).exists();
        assertThat(other).exists();
        assertThat(dead).doesNotExist();
        assertThat(Sockets.delete(second)).isTrue();
        assertThat(Sockets.delete(second)).isFalse();
    }

    /** Whoever lost pages was ended with them, and cannot be asked which. */
    @Test
    void whatWasSaidOfLostPagesIsKeptForAWhile() throws Exception {
        Sockets sockets = new Sockets(Map.of(), directory);
        Path base = Objects.requireNonNull(sockets.newPrivateDirectory().getParent());
        Process gone = new ProcessBuilder("true").start();
        gone.waitFor();
        for (int i = 0; i < 10; i++) {
            Path dead = Files.createDirectory(base.resolve("private-" + gone.pid() + "-" + i));
            Files.writeString(dead.resolve("daemon.log"), "12:00 client 1 (x, pid 7) LOST a page: offset " + i + "\n");
            sockets.newPrivateDirectory();
            assertThat(dead).doesNotExist();
            assertThat(base.resolve("lost-" + gone.pid() + "-" + i + ".log"))
                    .content()
                    .contains("offset " + i);
        }
        try (Stream<Path> files = Files.list(base)) {
            assertThat(files.filter(file -> file.getFileName().toString().startsWith("lost-")))
                    .hasSize(8);
        }
    }

    @Test
    void daemonsOfProgramsAreFoundBehindTheUsersOwn() throws Exception {
        Sockets sockets = new Sockets(Map.of(), directory);
        assertThat(sockets.all()).isEmpty();
        Path one = Sockets.socketIn(sockets.newPrivateDirectory());
        assertThat(sockets.all()).isEmpty();
        Files.createFile(one);
        Files.createFile(sockets.defaultSocket());
        assertThat(sockets.all()).containsExactly(sockets.defaultSocket(), one);
    }

    /** Programs that start at the same time clear away the same directories. */
    @Test
    void manyClearAwayWhatTheDeadHaveLeft() throws Exception {
        Sockets sockets = new Sockets(Map.of(), directory);
        Path base = Objects.requireNonNull(sockets.newPrivateDirectory().getParent());
        Process gone = new ProcessBuilder("true").start();
        gone.waitFor();
        for (int i = 0; i < 300; i++) {
            Path dead = Files.createDirectories(base.resolve("private-" + gone.pid() + "-" + i));
            Files.createDirectories(dead.resolve("a/b/c"));
            Files.writeString(dead.resolve("a/b/c/words"), "words");
        }
        List<CompletableFuture<Path>> all = new ArrayList<>();
        CountDownLatch begin = new CountDownLatch(1);
        for (int i = 0; i < 4; i++) {
            all.add(CompletableFuture.supplyAsync(
                    () -> {
                        try {
                            begin.await();
                        } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                        }
                        return sockets.newPrivateDirectory();
                    },
                    task -> Thread.ofPlatform().start(task)));
        }
        begin.countDown();
        for (CompletableFuture<Path> made : all) {
            assertThat(made.join()).exists();
        }
        sockets.newPrivateDirectory();
        try (var left = Files.list(base)) {
            assertThat(left.filter(path -> path.toString().contains("private-" + gone.pid() + "-")))
                    .isEmpty();
        }
    }

    @Test
    void aPlaceThatSomebodyElsePreparedIsRefused() throws Exception {
        Path base = directory.resolve("heteromem-" + Processes.effectiveUserId());
        Files.createSymbolicLink(base, Files.createDirectory(directory.resolve("elsewhere")));
        assertThatExceptionOfType(UnavailableException.class)
                .isThrownBy(() -> new Sockets(Map.of(), directory).newPrivateDirectory())
                .withMessageContaining(base.toString())
                .withMessageContaining("XDG_RUNTIME_DIR");
    }
}
