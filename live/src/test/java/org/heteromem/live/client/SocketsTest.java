package org.heteromem.live.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
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
