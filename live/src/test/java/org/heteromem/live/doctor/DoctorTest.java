package org.heteromem.live.doctor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.Uffdio;
import org.heteromem.live.natives.Userfault.Probe;
import org.heteromem.live.natives.Userfault.Route;
import org.junit.jupiter.api.Test;

/** The machine at hand as it is, and machines in trouble. */
class DoctorTest {
    private static final long ALL = Uffdio.REQUIRED_FEATURES | Uffdio.FEATURE_POISON;

    /** A machine where everything works, to take things away from. */
    private static final class Described implements Machine {
        String osName = "Linux";
        String osArch = "amd64";
        int pageBytes = 4096;
        Optional<String> memfdTrouble = Optional.empty();
        final Map<Path, String> files = new HashMap<>();
        final Map<Route, Probe> probes = new EnumMap<>(Route.class);

        Described() {
            allRoutes(new Probe(0, ALL));
            file("/proc/sys/kernel/osrelease", "6.18.1-generic\n");
            file("/proc/sys/vm/unprivileged_userfaultfd", "0\n");
            file("/proc/sys/vm/max_map_count", "65530\n");
            file("/proc/self/maps", "one\ntwo\n");
            file("/proc/self/limits", "Limit Soft Hard\nMax locked memory         8388608   8388608   bytes\n");
            file("/proc/self/status", "Name:\tjava\nSeccomp:\t0\n");
            file("/proc/self/cgroup", "0::/\n");
            file("/proc/swaps", "Filename Type Size Used Priority\n");
        }

        void file(String path, String text) {
            files.put(Path.of(path), text);
        }

        void allRoutes(Probe probe) {
            for (Route route : Route.values()) {
                probes.put(route, probe);
            }
        }

        void fails(Route route, int errno) {
            probes.put(route, new Probe(errno, 0));
        }

        @Override
        public String osName() {
            return osName;
        }

        @Override
        public String osArch() {
            return osArch;
        }

        @Override
        public Optional<String> text(Path file) {
            return Optional.ofNullable(files.get(file));
        }

        @Override
        public Probe probe(Route route) {
            return probes.getOrDefault(route, new Probe(Errno.ENOSYS, 0));
        }

        @Override
        public Optional<String> memfdTrouble() {
            return memfdTrouble;
        }

        @Override
        public int pageBytes() {
            return pageBytes;
        }

        Diagnosis diagnose() {
            return new Doctor(this).diagnose();
        }
    }

    private static Finding finding(Diagnosis diagnosis, String subject) {
        return diagnosis.findings().stream()
                .filter(f -> f.subject().equals(subject))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no finding about " + subject + " in\n" + diagnosis.text()));
    }

    private static void assertRefused(Described machine, String subject, String observed, String remedy) {
        Diagnosis diagnosis = machine.diagnose();
        assertThat(diagnosis.tier()).as(diagnosis.text()).isEqualTo(Tier.NONE);
        assertThat(diagnosis.text()).startsWith("rights: none");
        Finding found = finding(diagnosis, subject);
        assertThat(found.verdict()).isEqualTo(Verdict.FAILS);
        assertThat(found.observed()).contains(observed);
        assertThat(found.remedy().orElseThrow()).contains(remedy);
        assertThat(diagnosis.refusal())
                .startsWith("live mode does not work here: ")
                .contains(subject, observed, remedy)
                .doesNotContain("\n");
    }

    @Test
    void thisMachineIsDescribedAsItIs() throws IOException {
        Diagnosis diagnosis = Doctor.examine();
        assertThat(diagnosis.text()).startsWith("rights: ");
        assertThat(diagnosis.tier()).as(diagnosis.text()).isNotEqualTo(Tier.NONE);
        assertThat(finding(diagnosis, "kernel").observed()).contains(System.getProperty("os.version"));
        assertThat(finding(diagnosis, "page size").observed()).isEqualTo("4096 bytes");
        try (InputStream in = Files.newInputStream(Path.of("/proc/sys/vm/max_map_count"))) {
            byte[] number = new byte[64];
            String mappings = new String(number, 0, in.read(number), StandardCharsets.US_ASCII).strip();
            assertThat(finding(diagnosis, "max_map_count").observed()).startsWith(mappings + ", of which");
        }
    }

    @Test
    void aGoodMachineHasNothingToMend() {
        Diagnosis diagnosis = new Described().diagnose();
        assertThat(diagnosis.headline()).startsWith("rights: full - live mode works");
        assertThat(diagnosis.findings())
                .allSatisfy(f -> assertThat(f.verdict()).as(f.subject()).isEqualTo(Verdict.OK));
        assertThatIllegalStateException().isThrownBy(diagnosis::refusal);
    }

    @Test
    void anOrdinaryUserIsToldHowToGetFullRights() {
        Described machine = new Described();
        machine.fails(Route.SYSCALL, Errno.EPERM);
        machine.fails(Route.DEVICE, Errno.EACCES);
        Diagnosis diagnosis = machine.diagnose();
        assertThat(diagnosis.tier()).isEqualTo(Tier.USER_MODE_ONLY);
        assertThat(diagnosis.text().lines().findFirst().orElseThrow())
                .startsWith("rights: user-mode only")
                .contains("EFAULT");
        assertThat(finding(diagnosis, "system call").remedy()).contains("sudo sysctl -w vm.unprivileged_userfaultfd=1");
        assertThat(finding(diagnosis, "/dev/userfaultfd").remedy().orElseThrow())
                .startsWith("sudo setfacl");
        assertThat(diagnosis.text()).contains("\n  limited   /dev/userfaultfd  EACCES");
        assertThat(diagnosis.text()).contains("  -> sudo sysctl");
    }

    @Test
    void theDeviceAloneGivesFullRights() {
        Described machine = new Described();
        machine.fails(Route.SYSCALL, Errno.EPERM);
        assertThat(machine.diagnose().tier()).isEqualTo(Tier.FULL);
        assertThat(finding(machine.diagnose(), "system call").verdict()).isEqualTo(Verdict.OK);
    }

    @Test
    void aContainerThatForbidsItIsNamed() {
        Described machine = new Described();
        machine.file("/proc/self/status", "Name:\tjava\nSeccomp:\t2\n");
        machine.fails(Route.SYSCALL, Errno.EPERM);
        machine.fails(Route.DEVICE, Errno.ENOENT);
        machine.fails(Route.SYSCALL_USER_MODE, Errno.EPERM);
        assertRefused(machine, "user-mode faults", "seccomp", "--device /dev/userfaultfd");
        machine.fails(Route.SYSCALL, Errno.ENOSYS);
        machine.fails(Route.SYSCALL_USER_MODE, Errno.ENOSYS);
        assertRefused(machine, "user-mode faults", "seccomp", "seccomp profile");
    }

    @Test
    void kernelsThatCannot() {
        Described without = new Described();
        without.allRoutes(new Probe(Errno.ENOSYS, 0));
        assertRefused(without, "system call", "CONFIG_USERFAULTFD", "boot a kernel");

        Described old = new Described();
        old.file("/proc/sys/kernel/osrelease", "5.15.0-91-generic\n");
        old.allRoutes(new Probe(0, ALL & ~Uffdio.FEATURE_WP_HUGETLBFS_SHMEM));
        assertRefused(old, "kernel", "5.15.0-91-generic", "5.19");
        assertRefused(old, "userfaultfd", "WP_HUGETLBFS_SHMEM", "5.19");

        Described ancient = new Described();
        ancient.fails(Route.SYSCALL, Errno.EPERM);
        ancient.fails(Route.DEVICE, Errno.ENOENT);
        ancient.fails(Route.SYSCALL_USER_MODE, Errno.EINVAL);
        assertRefused(ancient, "user-mode faults", "EINVAL", "newer kernel");

        Described unpoisoned = new Described();
        unpoisoned.allRoutes(new Probe(0, Uffdio.REQUIRED_FEATURES));
        assertThat(unpoisoned.diagnose().tier()).isEqualTo(Tier.FULL);
        assertThat(finding(unpoisoned.diagnose(), "userfaultfd").observed()).contains("without POISON");
    }

    @Test
    void otherSystemsGetTheModel() {
        Described mac = new Described();
        mac.osName = "Mac OS X";
        mac.osArch = "aarch64";
        assertRefused(mac, "platform", "Mac OS X on aarch64", "--mode model");
        Described pages = new Described();
        pages.osArch = "aarch64";
        pages.pageBytes = 65_536;
        assertRefused(pages, "page size", "65536", "4 KiB");
        Described sandbox = new Described();
        sandbox.memfdTrouble = Optional.of("memfd_create: EACCES");
        assertRefused(sandbox, "memfd", "EACCES", "sandbox");
    }

    @Test
    void limitsThatHurtComeWithTheirRemedy() {
        Described machine = new Described();
        machine.file("/proc/self/maps", "line\n".repeat(62_000));
        machine.file("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "always within_size advise never [force]\n");
        machine.file("/proc/self/cgroup", "0::/user.slice/app\n");
        machine.file("/sys/fs/cgroup/user.slice/app/memory.max", "max\n");
        machine.file("/sys/fs/cgroup/user.slice/memory.max", "268435456\n");
        machine.file("/sys/fs/cgroup/user.slice/memory.current", "134217728\n");
        Diagnosis diagnosis = machine.diagnose();
        assertThat(diagnosis.tier()).isEqualTo(Tier.FULL);
        assertThat(finding(diagnosis, "max_map_count").remedy()).contains("sudo sysctl -w vm.max_map_count=262144");
        assertThat(finding(diagnosis, "huge pages").verdict()).isEqualTo(Verdict.LIMITED);
        assertThat(finding(diagnosis, "cgroup memory").observed())
                .contains("256 MiB in /sys/fs/cgroup/user.slice/memory.max, 128 MiB used");
        assertThat(finding(diagnosis, "memlock").observed()).startsWith("8388608");
    }

    @Test
    void controlGroupsOfBothKindsAndInContainers() {
        Described old = new Described();
        old.file("/proc/self/cgroup", "11:cpu,cpuacct:/x\n4:hugetlb,memory:/docker/abc\n");
        old.file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "2147483648\n");
        old.file("/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "9223372036854771712\n");
        assertThat(finding(old.diagnose(), "cgroup memory").observed()).contains("2048 MiB");
        Described container = new Described();
        container.file("/proc/self/cgroup", "0::/../../other\n");
        container.file("/sys/fs/cgroup/memory.max", "268435456\n");
        assertThat(finding(container.diagnose(), "cgroup memory").verdict()).isEqualTo(Verdict.LIMITED);
        Described none = new Described();
        none.file("/proc/self/cgroup", "garbage\n0::relative\n\n");
        assertThat(finding(none.diagnose(), "cgroup memory").observed()).isEqualTo("no limit");
    }
}
