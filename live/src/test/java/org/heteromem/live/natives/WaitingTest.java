package org.heteromem.live.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.BitSet;
import org.junit.jupiter.api.Test;

/** Pollers with event descriptors and processes, and where threads run. */
class WaitingTest {
    @Test
    void aSignalWakesAPoller() throws InterruptedException {
        try (EventFd quiet = EventFd.create();
                EventFd loud = EventFd.create()) {
            Poller poller = new Poller(2);
            int q = poller.add(quiet.fd(), Poller.IN);
            int l = poller.add(loud.fd(), Poller.IN);
            assertThat(poller.poll(0)).isZero();
            Thread signaller = Thread.ofPlatform().start(loud::signal);
            assertThat(poller.poll(-1)).isOne();
            signaller.join();
            assertThat(poller.ready(q)).isZero();
            assertThat(poller.ready(l)).isEqualTo(Poller.IN);
            loud.signal();
            assertThat(loud.drain()).isEqualTo(2);
            assertThat(loud.drain()).isZero();
            assertThat(poller.poll(0)).isZero();
            assertThatIllegalStateException().isThrownBy(() -> poller.add(loud.fd(), Poller.IN));
            assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> poller.ready(2));
            poller.clear();
            assertThat(poller.poll(0)).isZero();
        }
    }

    @Test
    void aClosedDescriptorIsReportedAndNotWaitedFor() {
        EventFd closed = EventFd.create();
        try (EventFd open = EventFd.create()) {
            Poller poller = new Poller(2);
            int o = poller.add(open.fd(), Poller.IN);
            int c = poller.add(closed.fd(), Poller.IN);
            closed.close();
            assertThat(poller.poll(-1)).isOne();
            assertThat(poller.ready(o)).isZero();
            assertThat(poller.ready(c)).isEqualTo(Poller.INVALID);
        }
    }

    @Test
    void aProcessIsReadableOnceItEnded() throws Exception {
        Process sleeper = new ProcessBuilder("sleep", "600").start();
        try (PidFd pid = PidFd.open(sleeper.pid())) {
            Poller poller = new Poller(1);
            poller.add(pid.fd(), Poller.IN);
            assertThat(poller.poll(0)).isZero();
            assertThat(pid.signal(PidFd.SIGNAL_TERMINATE)).isTrue();
            assertThat(poller.poll(60_000)).isOne();
            sleeper.waitFor();
            assertThat(pid.hasExited()).isTrue();
        } finally {
            sleeper.destroyForcibly();
        }
        assertThatExceptionOfType(NativeException.class)
                .isThrownBy(() -> PidFd.open(sleeper.pid()))
                .withMessageContainingAll("pidfd_open", "pid=" + sleeper.pid(), "ESRCH");
    }

    @Test
    void aBoundThreadRunsWhereItIsBound() throws InterruptedException {
        BitSet allowed = Cpus.allowed();
        assertThat(allowed.cardinality()).isPositive();
        int[] seen = new int[1];
        int last = allowed.length() - 1;
        Thread bound = Thread.ofPlatform().start(() -> {
            BitSet one = new BitSet();
            one.set(last);
            Cpus.bind(one);
            seen[0] = Cpus.current();
        });
        bound.join();
        assertThat(seen[0]).isEqualTo(last);
        assertThat(Cpus.allowed()).as("of the other thread").isEqualTo(allowed);
        assertThatIllegalArgumentException().isThrownBy(() -> Cpus.bind(new BitSet()));
        BitSet absent = new BitSet();
        absent.set(2047);
        assertThatExceptionOfType(NativeException.class)
                .isThrownBy(() -> Cpus.bind(absent))
                .withMessageContainingAll("sched_setaffinity", "{2047}", "EINVAL");
    }
}
