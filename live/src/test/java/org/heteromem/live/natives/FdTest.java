package org.heteromem.live.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class FdTest {
    /** Whether this process has the number open, and for what. */
    private static boolean isOpen(int number) {
        return Files.isSymbolicLink(Path.of("/proc/self/fd/" + number));
    }

    @Test
    void aDescriptorInUseClosesWhenItsLastUserReturns() {
        Memfd memory = Memfd.create("in-use", 4096);
        int first = memory.fd().borrow("test");
        int second = memory.fd().borrow("test");
        memory.close();
        assertThat(memory.fd().isOpen()).isFalse();
        assertThat(memory.fd().tryBorrow()).isEqualTo(-Errno.EBADF);
        memory.fd().giveBack();
        assertThat(isOpen(first)).isTrue();
        memory.fd().giveBack();
        assertThat(isOpen(second)).isFalse();
    }

    @Test
    void closingTwiceClosesNobodyElsesDescriptor() {
        Memfd first = Memfd.create("first", 4096);
        first.close();
        try (Memfd second = Memfd.create("second", 4096)) { // most likely gets the number again
            first.close();
            assertThat(second.fd().target()).contains("second");
        }
    }

    @Test
    void usersNeverMeetAnotherFileUnderTheirNumber() throws InterruptedException {
        for (int round = 0; round < 200; round++) {
            Memfd memory = Memfd.create("round-" + round, 4096L + round);
            long size = 4096L + round;
            CountDownLatch go = new CountDownLatch(1);
            AtomicInteger wrong = new AtomicInteger();
            List<Thread> users = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                users.add(Thread.ofPlatform().start(() -> {
                    try {
                        go.await();
                        while (true) {
                            if (memory.status().sizeBytes() != size) {
                                wrong.incrementAndGet();
                            }
                        }
                    } catch (NativeException closed) {
                        if (closed.errno() != Errno.EBADF) {
                            wrong.incrementAndGet();
                        }
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }));
            }
            go.countDown();
            memory.close();
            try (Memfd other = Memfd.create("other", 1)) {
                for (Thread user : users) {
                    user.join();
                }
                assertThat(other.status().sizeBytes()).isEqualTo(1);
            }
            assertThat(wrong).hasValue(0);
        }
    }

    @Test
    void aDuplicateOutlivesItsOrigin() {
        Memfd memory = Memfd.create("origin", 4096);
        try (Fd copy = memory.fd().duplicate()) {
            memory.close();
            assertThat(copy.target()).contains("origin");
        }
    }

    @Test
    void errorsNameCallAndDescriptor() {
        Memfd memory = Memfd.create("gone", 4096);
        memory.close();
        assertThatExceptionOfType(NativeException.class)
                .isThrownBy(() -> memory.punchHole(0, 4096))
                .withMessageContainingAll("fallocate(PUNCH_HOLE)", "fd=", "memfd gone, closed", "EBADF (9");
        assertThatIllegalArgumentException().isThrownBy(() -> Fd.own(-1, "nothing"));
    }
}
