package org.heteromem.live.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Numbers and structures, as far as they show without a second process. */
class LayoutTest {
    /** {@code _IOWR} and {@code _IOR} of asm-generic/ioctl.h. */
    private static long request(long direction, long number, long bytes) {
        return direction << 30 | bytes << 16 | 0xAA << 8 | number;
    }

    @Test
    void ioctlNumbersFollowFromTheirStructures() {
        assertThat(Uffdio.API).isEqualTo(request(3, 0x3f, 24));
        assertThat(Uffdio.REGISTER).isEqualTo(request(3, 0, 32));
        assertThat(Uffdio.UNREGISTER).isEqualTo(request(2, 1, 16));
        assertThat(Uffdio.WAKE).isEqualTo(request(2, 2, 16));
        assertThat(Uffdio.COPY).isEqualTo(request(3, 3, 40));
        assertThat(Uffdio.ZEROPAGE).isEqualTo(request(3, 4, 32));
        assertThat(Uffdio.WRITEPROTECT).isEqualTo(request(3, 6, 24));
        assertThat(Uffdio.CONTINUE).isEqualTo(request(3, 7, 32));
        assertThat(Uffdio.POISON).isEqualTo(request(3, 8, 32));
    }

    @Test
    void featuresHaveNames() {
        assertThat(Uffdio.featureNames(Uffdio.REQUIRED_FEATURES))
                .isEqualTo("PAGEFAULT_FLAG_WP MISSING_SHMEM MINOR_SHMEM WP_HUGETLBFS_SHMEM");
        assertThat(Uffdio.featureNames(0)).isEqualTo("none");
        assertThat(Uffdio.featureNames(1L << 40 | Uffdio.FEATURE_MOVE)).isEqualTo("MOVE 0x10000000000");
        assertThat(Memfd.sealNames(2 | 64)).isEqualTo("SHRINK|0x40");
    }

    @Test
    void aFeatureThatTheKernelLacksIsNamed() {
        long unknown = 1L << 50;
        assertThatExceptionOfType(NativeException.class)
                .isThrownBy(() -> Userfault.open(
                        Userfault.Route.SYSCALL_USER_MODE, Userfault.DEVICE, Uffdio.FEATURE_MINOR_SHMEM | unknown))
                .withMessageContainingAll("UFFDIO_API", "lacks: 0x4000000000000)", "EINVAL");
    }

    @Test
    void aRouteThatIsClosedSaysWhy() {
        Path absent = Path.of("/dev/no-such-userfaultfd");
        assertThatExceptionOfType(NativeException.class)
                .isThrownBy(() -> Userfault.open(Userfault.Route.DEVICE, absent, 0))
                .withMessageContainingAll("userfaultfd", "DEVICE", "ENOENT");
        assertThat(Userfault.probe(Userfault.Route.DEVICE, absent).errno()).isEqualTo(Errno.ENOENT);
    }

    @Test
    void platformsAreKnownByTheNamesThatJvmsGive() {
        assertThat(Platform.of("Linux", "amd64")).contains(Platform.X86_64);
        assertThat(Platform.of("Linux", "aarch64")).contains(Platform.AARCH64);
        assertThat(Platform.of("Linux", "riscv64")).isEmpty();
        assertThat(Platform.of("Mac OS X", "aarch64")).isEmpty();
        assertThat(Errno.describe(Errno.ESRCH)).isEqualTo("ESRCH (3, no such process)");
        assertThat(Errno.describe(4000)).isEqualTo("errno 4000");
        assertThat(Errno.name(Errno.EAGAIN)).isEqualTo("EAGAIN");
    }

    /** A fault is answered without garbage, once the code is compiled: a collection in the daemon stops all its clients. */
    @Test
    void theWayOfAFaultAllocatesNothing() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().threadId();
        UserfaultEvents events = new UserfaultEvents(16);
        long allocated = Long.MAX_VALUE;
        try (Memfd memory = Memfd.create("hot", 4096);
                Mapping map = Mapping.shared(memory, 0, 4096);
                Mapping source = Mapping.anonymous(4096);
                Userfault faults = Userfault.open(Uffdio.REQUIRED_FEATURES);
                EventFd stop = EventFd.create()) {
            faults.register(map.address(), 4096, Uffdio.REGISTER_MISSING | Uffdio.REGISTER_WP);
            Poller poller = new Poller(2);
            poller.add(faults.fd(), Poller.IN);
            poller.add(stop.fd(), Poller.IN);
            for (int round = 0; round < 500 && allocated != 0; round++) {
                long before = threads.getThreadAllocatedBytes(self);
                for (int i = 0; i < 500; i++) {
                    poller.poll(0);
                    faults.read(events);
                    faults.tryCopy(map.address(), source.segment(), 0, 4096, Uffdio.MODE_WP);
                    faults.tryWriteProtect(map.address(), 4096, Uffdio.PROTECT_WP);
                    memory.punchHole(0, 4096);
                    faults.tryWake(map.address(), 4096);
                }
                allocated = threads.getThreadAllocatedBytes(self) - before;
            }
        }
        assertThat(allocated).as("bytes in 500 turns, at best").isZero();
    }
}
