package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.concurrent.locks.LockSupport;
import org.heteromem.live.natives.EventFd;
import org.heteromem.live.natives.Poller;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A pump that keeps a CPU while nothing comes would take it from its client for ever. */
@Timeout(60)
class HaltPollingTest {
    private static final int MANY = 10_000;

    private static Poller poller(EventFd bell) {
        Poller poller = new Poller(1);
        poller.add(bell.fd(), Poller.IN);
        return poller;
    }

    /** Waits for what is there already until that has opened the window all the way. */
    private static void open(HaltPolling polling, EventFd bell) {
        bell.signal();
        for (int i = 0; i < MANY && polling.window() == 0; i++) {
            polling.await(poller(bell));
        }
        bell.drain();
    }

    @Test
    void whatComesSoonIsLookedFor() {
        try (EventFd bell = EventFd.create()) {
            HaltPolling polling = new HaltPolling(2);
            assertThat(polling.window()).isZero();
            open(polling, bell);
            assertThat(polling.window()).isBetween(1L, HaltPolling.MOST_NANOS);
        }
    }

    @Test
    void whoeverWaitsLongSleeps() throws InterruptedException {
        try (EventFd bell = EventFd.create()) {
            HaltPolling polling = new HaltPolling(2);
            open(polling, bell);
            Poller poller = poller(bell);
            for (int i = 0; i < 20 && polling.window() > 0; i++) {
                Thread late = Thread.ofPlatform().start(() -> {
                    LockSupport.parkNanos(20 * HaltPolling.MOST_NANOS);
                    bell.signal();
                });
                polling.await(poller);
                assertThat(poller.ready(0))
                        .as("it returned because something was there")
                        .isEqualTo(Poller.IN);
                late.join();
                bell.drain();
            }
            assertThat(polling.window()).as("for how long it still looks").isZero();
        }
    }

    @Test
    void theOnlyCpuIsLeftToTheClient() {
        try (EventFd bell = EventFd.create()) {
            HaltPolling polling = new HaltPolling(1);
            bell.signal();
            for (int i = 0; i < 100; i++) {
                polling.await(poller(bell));
            }
            assertThat(polling.window()).isZero();
        }
    }

    private static BitSet cpus(int... some) {
        BitSet set = new BitSet();
        for (int cpu : some) {
            set.set(cpu);
        }
        return set;
    }

    @Test
    void aDaemonBoundToACpuIsNotAloneIfItsClientRunsElsewhere() {
        assertThat(HaltPolling.cpus(cpus(1), cpus(0, 1), 1)).isEqualTo(2);
        assertThat(HaltPolling.cpus(cpus(1), cpus(0), 1)).isEqualTo(2);
        assertThat(HaltPolling.cpus(cpus(0), cpus(0), 1)).isEqualTo(1);
        assertThat(HaltPolling.cpus(cpus(0, 1), cpus(0, 1), 1))
                .as("where a control group gives the time of one")
                .isEqualTo(1);
    }
}
