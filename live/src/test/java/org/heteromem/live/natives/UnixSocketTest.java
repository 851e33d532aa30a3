package org.heteromem.live.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixSocketTest {
    @TempDir
    Path directory;

    private static MemorySegment bytes(Arena arena, int... values) {
        MemorySegment segment = arena.allocate(values.length);
        for (int i = 0; i < values.length; i++) {
            segment.set(ValueLayout.JAVA_BYTE, i, (byte) values[i]);
        }
        return segment;
    }

    @Test
    void messagesKeepTheirBordersAndTheirDescriptors() {
        try (UnixSocket.Pair pair = UnixSocket.pair();
                Memfd memory = Memfd.create("passed", 4096);
                Arena arena = Arena.ofConfined()) {
            pair.left().send(bytes(arena, 1, 2, 3));
            pair.left().send(bytes(arena, 4), memory.fd());
            MemorySegment into = arena.allocate(100);
            assertThat(pair.right().receive(into)).isEqualTo(new UnixSocket.Received(3, false, List.of()));
            UnixSocket.Received second = pair.right().receive(into);
            assertThat(second.bytes()).isOne();
            assertThat(second.descriptors()).singleElement().satisfies(fd -> {
                assertThat(fd.target()).contains("passed");
                assertThat(fd.number()).isNotEqualTo(memory.fd().number());
            });
            second.closeDescriptors();
            assertThat(pair.right().tryReceive(into).bytes()).isEqualTo(-1);
            pair.left().close();
            assertThat(pair.right().receive(into).bytes()).isZero();
            assertThatExceptionOfType(NativeException.class)
                    .isThrownBy(() -> pair.right().send(bytes(arena, 1)))
                    .withMessageContainingAll("sendmsg", "EPIPE");
        }
    }

    @Test
    void whatDoesNotFitIsMarked() {
        try (UnixSocket.Pair pair = UnixSocket.pair();
                Arena arena = Arena.ofConfined()) {
            pair.left().send(arena.allocate(1000));
            UnixSocket.Received received = pair.right().receive(arena.allocate(10));
            assertThat(received.truncated()).isTrue();
        }
    }

    @Test
    void tooManyDescriptorsLeaveNoneBehind() {
        try (UnixSocket.Pair pair = UnixSocket.pair();
                EventFd event = EventFd.create();
                Arena arena = Arena.ofConfined()) {
            Fd[] many = new Fd[UnixSocket.MAX_DESCRIPTORS];
            Arrays.fill(many, event.fd());
            long before = openEventDescriptors();
            pair.left().send(bytes(arena, 1), many);
            UnixSocket.Received received = pair.right().receive(arena.allocate(10));
            assertThat(received.descriptors()).hasSize(UnixSocket.MAX_DESCRIPTORS);
            received.closeDescriptors();
            assertThat(openEventDescriptors()).isEqualTo(before);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> pair.left().send(bytes(arena, 1), new Fd[UnixSocket.MAX_DESCRIPTORS + 1]))
                    .withMessageContaining("17 descriptors");
        }
    }

    private static long openEventDescriptors() {
        String[] numbers = new File("/proc/self/fd").list();
        return List.of(numbers == null ? new String[0] : numbers).stream()
                .map(number -> Path.of("/proc/self/fd", number))
                .filter(path -> {
                    try {
                        return Files.readSymbolicLink(path).toString().contains("eventfd");
                    } catch (IOException closedSince) {
                        return false;
                    }
                })
                .count();
    }

    @Test
    void aReceiverWhoDoesNotReadHoldsNobodyUp() {
        try (UnixSocket.Pair pair = UnixSocket.pair();
                Arena arena = Arena.ofConfined()) {
            MemorySegment message = arena.allocate(1 << 15);
            int sent = 0;
            while (pair.left().trySend(message)) {
                assertThat(++sent).isLessThan(10_000);
            }
            assertThat(sent).isPositive();
        }
    }

    @Test
    void shutdownWakesWhoWaits() throws InterruptedException {
        try (UnixSocket.Pair pair = UnixSocket.pair()) {
            int[] got = {-1};
            Thread receiver = Thread.ofPlatform().start(() -> {
                try (Arena arena = Arena.ofConfined()) {
                    got[0] = pair.right().receive(arena.allocate(10)).bytes();
                }
            });
            pair.right().shutdown();
            receiver.join();
            assertThat(got[0]).isZero();
        }
    }

    @Test
    void onlyTheOwnerCanConnect() throws Exception {
        Path path = directory.resolve("s");
        try (UnixSocket listening = UnixSocket.listen(path, 4)) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                    .isEqualTo("rw-------");
            assertThatExceptionOfType(NativeException.class)
                    .as("a second one")
                    .isThrownBy(() -> UnixSocket.listen(path, 4))
                    .withMessageContainingAll("bind", path.toString(), "EADDRINUSE");
            try (UnixSocket client = UnixSocket.connect(path);
                    UnixSocket accepted = listening.accept()) {
                long self = ProcessHandle.current().pid();
                assertThat(accepted.peer().pid()).isEqualTo((int) self);
                assertThat(client.peer().uid()).isEqualTo(Processes.effectiveUserId());
            }
        }
        assertThatExceptionOfType(NativeException.class)
                .as("nobody listens any more")
                .isThrownBy(() -> UnixSocket.connect(path))
                .withMessageContainingAll("connect", "ECONNREFUSED");
        assertThatExceptionOfType(NativeException.class)
                .isThrownBy(() -> UnixSocket.connect(directory.resolve("absent")))
                .withMessageContainingAll("absent", "ENOENT");
    }

    @Test
    void aPathTooLongForLinuxIsExplained() {
        Path path = directory.resolve("x".repeat(108));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> UnixSocket.listen(path, 1))
                .withMessageContainingAll("107", "shorter directory", path.toString());
        assertThatIllegalArgumentException().isThrownBy(() -> UnixSocket.connect(path));
    }
}
