package org.heteromem.live.client;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.heteromem.live.ConnectionLostException;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Options;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The end of a daemon, and of a program's use of it. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LossTest {
    @Test
    void aDeadDaemonIsAnErrorForRequestsAndLeavesResidentMemoryRight() throws Exception {
        try (ZeroDaemonProcess daemon = new ZeroDaemonProcess(64 << 20);
                Heteromem memory = daemon.open();
                Arena arena = memory.arena()) {
            MemorySegment segment = arena.allocate(1 << 20, 8);
            memory.prefetch(segment);
            segment.set(JAVA_LONG, 8192, 42);
            daemon.kill();
            assertThatExceptionOfType(ConnectionLostException.class)
                    .isThrownBy(() -> arena.allocate(1 << 20, 8))
                    .withMessageContaining("cannot allocate 1048576 bytes of managed memory: ");
            assertThatExceptionOfType(ConnectionLostException.class).isThrownBy(memory::status);
            assertThatExceptionOfType(CompletionException.class)
                    .isThrownBy(() -> memory.prefetchAsync(segment).join())
                    .withCauseInstanceOf(ConnectionLostException.class);
            assertThat(memory.isConnected()).isFalse();
            assertThat(segment.get(JAVA_LONG, 8192)).isEqualTo(42);
        }
    }

    @Test
    void aDaemonThatIsKilledBeforeAnythingIsAllocatedIsReplaced() throws Exception {
        try (Heteromem memory = Heteromem.open(Options.ram("4M").overflow("ram", "16M"))) {
            memory.status(); // answered after the connection was put into safe hands
            ProcessHandle first = ProcessHandle.of(memory.daemonPid()).orElseThrow();
            first.destroyForcibly();
            first.onExit().get(60, TimeUnit.SECONDS);
            try (Arena arena = memory.arena()) {
                MemorySegment segment = arena.allocate(8 << 20, 8);
                for (long at = 0; at < segment.byteSize(); at += 4096) {
                    segment.set(JAVA_LONG, at, at + 1);
                }
                for (long at = 0; at < segment.byteSize(); at += 4096) {
                    assertThat(segment.get(JAVA_LONG, at)).isEqualTo(at + 1);
                }
            }
            assertThat(memory.isConnected()).isTrue();
        }
    }

    @Test
    void memoryThatIsInUseOutlivesTheClosingOfItsHeteromem() throws Exception {
        try (ZeroDaemonProcess daemon = new ZeroDaemonProcess(64 << 20)) {
            Heteromem memory = daemon.open();
            Arena arena = memory.arena();
            MemorySegment segment = arena.allocate(1 << 20, 8);
            memory.close();
            memory.close();
            assertThatIllegalStateException().isThrownBy(memory::arena).withMessageContaining("closed");
            segment.set(JAVA_LONG, 4096, 7); // a fault, still served
            assertThat(segment.get(JAVA_LONG, 4096)).isEqualTo(7);
            arena.close();
            assertThat(daemon.process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(memory.isConnected()).isFalse();
        }
    }
}
