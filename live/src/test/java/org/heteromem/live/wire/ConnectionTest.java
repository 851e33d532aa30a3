package org.heteromem.live.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.natives.Memfd;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.Uffdio;
import org.heteromem.live.natives.UnixSocket;
import org.heteromem.live.natives.Userfault;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ConnectionTest {
    private final UnixSocket.Pair pair = UnixSocket.pair();
    private final UnixSocket hostile = pair.left();
    private final Connection client = new Connection(pair.left());
    private final Connection daemon = new Connection(pair.right());
    private final MemorySegment buffer = Connection.newBuffer(Arena.ofAuto());

    @AfterEach
    void close() {
        client.close();
        daemon.close();
    }

    @Test
    void aRegionArrivesWithItsDescriptors() {
        try (Memfd memory = Memfd.create("r", 8192);
                Userfault faults = Userfault.open(Uffdio.REQUIRED_FEATURES)) {
            memory.addSeals(Memfd.REGION_SEALS);
            client.send(new RegisterRegion().encode(buffer, 3, 1, 1 << 20, 8192, "r"), memory.fd(), faults.fd());
            Connection.Incoming incoming = daemon.receive().orElseThrow();
            assertThat(((RegisterRegion) incoming.message()).bytesMapped()).isEqualTo(8192);
            try (Memfd adopted = Memfd.adoptRegion(incoming.descriptors().get(0), "r", 4096);
                    Userfault theirs = Userfault.adopt(incoming.descriptors().get(1), "c")) {
                assertThat(adopted.status().inode()).isEqualTo(memory.status().inode());
                assertThat(theirs.rights()).isEmpty();
            }
        }
    }

    @Test
    void descriptorsNobodyAskedForAreRefusedAndClosed() {
        try (Memfd memory = Memfd.create("flood", 4096)) {
            Fd[] many = new Fd[16];
            Arrays.fill(many, memory.fd());
            long before = openDescriptors("flood");
            hostile.send(new Query().encode(buffer, MessageType.STATUS, 1, 0).bytes(), many);
            assertRefused("STATUS came with 16 descriptors; it has 0");
            hostile.send(
                    new RegisterRegion()
                            .encode(buffer, 3, 1, 1 << 20, 8192, "r")
                            .bytes(),
                    memory.fd());
            assertRefused("REGISTER_REGION came with 1 descriptors; it has 2");
            assertThat(openDescriptors("flood")).isEqualTo(before);
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> client.send(new RegisterRegion().encode(buffer, 3, 1, 1 << 20, 8192, "r")))
                .withMessageContaining("2 descriptors, not 0");
    }

    @Test
    void noiseIsRefusedAndTheNextMessageIsIntact() {
        hostile.send(Arena.ofAuto().allocate(Wire.MAX_MESSAGE_BYTES + 1L));
        assertRefused("longer than 65536");
        hostile.send(Arena.ofAuto().allocate(3));
        assertRefused("3 bytes");
        client.send(new Done().encode(buffer, 5, 1, 2));
        assertThat(daemon.receive().orElseThrow().message().correlation()).isEqualTo(5);
    }

    @Test
    void theLongestMessageGoesThrough() {
        client.send(new Text().encode(buffer, 1, Following.LAST, "x".repeat(Wire.MAX_TEXT_BYTES)));
        assertThat(((Text) daemon.receive().orElseThrow().message()).text()).hasSize(Wire.MAX_TEXT_BYTES);
    }

    @Test
    void aClosedEndIsNoMessageAndNoWaiting() {
        client.close();
        assertThat(daemon.receive()).isEmpty();
        assertThatExceptionOfType(NativeException.class)
                .isThrownBy(() -> daemon.send(new Done().encode(buffer, 5, 1, 2)))
                .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.EPIPE));
    }

    @Test
    void aClientThatNeverReadsDoesNotHoldTheDaemonUp() {
        Done done = new Done().encode(buffer, 5, 1, 2);
        int sent = 0;
        while (daemon.trySend(done)) {
            assertThat(++sent).isLessThan(1_000_000);
        }
        assertThat(sent).isPositive();
    }

    private void assertRefused(String words) {
        assertThatExceptionOfType(MalformedMessageException.class)
                .isThrownBy(daemon::receive)
                .withMessageContaining(words);
    }

    private static long openDescriptors(String name) {
        String[] numbers = new File("/proc/self/fd").list();
        return List.of(numbers == null ? new String[0] : numbers).stream()
                .map(number -> Path.of("/proc/self/fd", number))
                .filter(path -> {
                    try {
                        return Files.readSymbolicLink(path).toString().contains(name);
                    } catch (IOException closedSince) {
                        return false;
                    }
                })
                .count();
    }
}
