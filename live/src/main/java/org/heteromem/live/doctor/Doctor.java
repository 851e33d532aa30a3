package org.heteromem.live.doctor;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.heteromem.live.UnavailableException;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.Memfd;
import org.heteromem.live.natives.Platform;
import org.heteromem.live.natives.Uffdio;
import org.heteromem.live.natives.Userfault;
import org.heteromem.live.natives.Userfault.Probe;
import org.heteromem.live.natives.Userfault.Route;

/** Looks at a machine and says what live mode can do on it. Changes nothing. Takes milliseconds. */
public final class Doctor {
    /** Live mode knows pages of this size only. */
    private static final int PAGE_BYTES = 4096;

    /** Fewer free mappings than this, and a program with many arenas can run out of them. */
    private static final int FREE_MAPPINGS = 4096;

    /** Less memory than this, and client, daemon and keeper do not fit beside a budget worth having. */
    private static final long SMALL_LIMIT_BYTES = 512L << 20;

    private static final Path SYSCTL = Path.of("/proc/sys/vm/unprivileged_userfaultfd");
    private static final Path OS_RELEASE = Path.of("/proc/sys/kernel/osrelease");
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path LIMITS = Path.of("/proc/self/limits");
    private static final Path MEMINFO = Path.of("/proc/meminfo");
    private static final Pattern MEMORY_TOTAL = Pattern.compile("(?m)^MemTotal: +([0-9]{1,15}) kB");
    private static final Path MAPS = Path.of("/proc/self/maps");
    private static final Path MAX_MAP_COUNT = Path.of("/proc/sys/vm/max_map_count");
    private static final Path SWAPS = Path.of("/proc/swaps");
    private static final Path SHMEM_HUGE = Path.of("/sys/kernel/mm/transparent_hugepage/shmem_enabled");
    private static final Pattern MEMLOCK = Pattern.compile("(?m)^Max locked memory +(\\S+)");
    private static final Pattern SECCOMP = Pattern.compile("(?m)^Seccomp:\\s+2$");

    private final Machine machine;
    private final List<Finding> findings = new ArrayList<>();

    Doctor(Machine machine) {
        this.machine = machine;
    }

    /** Examines the machine this JVM runs on. */
    public static Diagnosis examine() {
        return new Doctor(new LinuxMachine()).diagnose();
    }

    /**
     * Says no where live mode was not made for the system at all, and nothing of it can be asked.
     *
     * @throws UnavailableException in the words of {@link Diagnosis#refusal}
     */
    public static void requireSystem() {
        if (Platform.current().isEmpty()) {
            throw new UnavailableException(examine().refusal());
        }
    }

    /**
     * Memory that programs here may use, in bytes: the machine's, or what the control group allows if that is less.
     *
     * @throws IllegalStateException where there is no {@code /proc/meminfo}
     */
    public static long memoryBytes() {
        return new Doctor(new LinuxMachine()).memory();
    }

    long memory() {
        long machineBytes = machine.text(MEMINFO)
                .map(MEMORY_TOTAL::matcher)
                .filter(Matcher::find)
                .map(m -> Long.parseLong(m.group(1)) << 10)
                .orElseThrow(() -> new IllegalStateException(MEMINFO + " does not say how much memory there is"));
        return MemoryLimit.of(machine)
                .map(limit -> Math.min(limit.limitBytes(), machineBytes))
                .orElse(machineBytes);
    }

    Diagnosis diagnose() {
        findings.clear();
        if (Platform.of(machine.osName(), machine.osArch()).isEmpty()) {
            findings.add(Finding.fails(
                    "platform",
                    machine.osName() + " on " + machine.osArch() + "; live mode needs Linux on x86-64 or aarch64",
                    "use the model here (--mode model), or a Linux machine"));
            return new Diagnosis(Tier.NONE, findings);
        }
        findings.add(Finding.ok("platform", machine.osName() + " on " + machine.osArch()));
        kernel();
        Probe call = machine.probe(Route.SYSCALL);
        Probe device = machine.probe(Route.DEVICE);
        Probe userMode = machine.probe(Route.SYSCALL_USER_MODE);
        boolean full = call.works() || device.works();
        features(List.of(call, device, userMode));
        systemCall(call, full);
        device(device, full);
        userMode(userMode, full);
        memfd();
        pageSize();
        mappings();
        lockedMemory();
        controlGroup();
        hugePages();
        swap();
        boolean fails = findings.stream().anyMatch(f -> f.verdict() == Verdict.FAILS);
        return new Diagnosis(fails ? Tier.NONE : full ? Tier.FULL : Tier.USER_MODE_ONLY, findings);
    }

    private void kernel() {
        String release = machine.text(OS_RELEASE).map(String::strip).orElse("unknown");
        Matcher m = Pattern.compile("(\\d{1,4})\\.(\\d{1,4}).*").matcher(release);
        if (m.matches() && Integer.parseInt(m.group(1)) * 10_000 + Integer.parseInt(m.group(2)) < 50_019) {
            findings.add(Finding.fails(
                    "kernel",
                    "Linux " + release + " cannot write-protect shared memory; that came with 5.19",
                    "boot a Linux 5.19 or newer"));
        } else {
            findings.add(Finding.ok("kernel", "Linux " + release));
        }
    }

    private void features(List<Probe> probes) {
        Optional<Probe> working = probes.stream().filter(Probe::works).findFirst();
        if (working.isEmpty()) {
            return; // why none opens is said by the checks of the routes
        }
        long has = working.get().features();
        long missing = Uffdio.REQUIRED_FEATURES & ~has;
        if (missing != 0) {
            findings.add(Finding.fails(
                    "userfaultfd",
                    "the kernel lacks " + Uffdio.featureNames(missing),
                    "boot a Linux 5.19 or newer, built with CONFIG_USERFAULTFD and CONFIG_PTE_MARKER_UFFD_WP"));
        } else if ((has & Uffdio.FEATURE_POISON) == 0) {
            findings.add(Finding.limited(
                    "userfaultfd",
                    "all that is needed, without POISON: a lost page always ends the program (onLoss=throw needs it)",
                    "boot a Linux 6.6 or newer to choose"));
        } else {
            findings.add(Finding.ok("userfaultfd", Uffdio.featureNames(has)));
        }
    }

    private void systemCall(Probe probe, boolean full) {
        String setting = machine.text(SYSCTL).map(String::strip).orElse("absent");
        String sysctl = "vm.unprivileged_userfaultfd=" + setting;
        if (probe.works()) {
            findings.add(Finding.ok("system call", "userfaultfd(2) serves all faults (" + sysctl + ")"));
        } else if (full) {
            findings.add(Finding.ok(
                    "system call",
                    "userfaultfd(2): " + Errno.describe(probe.errno()) + ", not needed (" + sysctl + ")"));
        } else if (probe.errno() == Errno.ENOSYS) {
            findings.add(notThere());
        } else {
            findings.add(Finding.limited(
                    "system call",
                    "userfaultfd(2): " + Errno.describe(probe.errno()) + " (" + sysctl
                            + "): faults of system calls are for root, CAP_SYS_PTRACE, or this setting",
                    "sudo sysctl -w vm.unprivileged_userfaultfd=1"));
        }
    }

    private void device(Probe probe, boolean full) {
        String file = Userfault.DEVICE.toString();
        if (probe.works()) {
            findings.add(Finding.ok(file, "can be opened and serves all faults"));
        } else if (full) {
            findings.add(Finding.ok(file, Errno.describe(probe.errno()) + ", not needed"));
        } else if (probe.errno() == Errno.EACCES || probe.errno() == Errno.EPERM) {
            findings.add(Finding.limited(
                    file,
                    Errno.describe(probe.errno()) + ": who may open it gets full rights",
                    "sudo setfacl -m u:$USER:rw " + file));
        } else {
            findings.add(Finding.limited(
                    file,
                    Errno.describe(probe.errno()) + ": Linux 6.1 has it; a container must be given it",
                    "in a container: --device " + file));
        }
    }

    private void userMode(Probe probe, boolean full) {
        if (probe.works()) {
            findings.add(Finding.ok("user-mode faults", "can be served by everyone here"));
        } else if (full) {
            findings.add(
                    Finding.ok("user-mode faults", Errno.describe(probe.errno()) + ", not needed with full rights"));
        } else if (probe.errno() == Errno.ENOSYS && !underSeccomp()) {
            if (findings.stream().noneMatch(f -> f.verdict() == Verdict.FAILS)) {
                findings.add(notThere());
            }
        } else if (underSeccomp()) {
            findings.add(Finding.fails(
                    "user-mode faults",
                    Errno.describe(probe.errno()) + ": a seccomp filter forbids userfaultfd(2), as containers do",
                    "run the container with --device " + Userfault.DEVICE
                            + ", or with a seccomp profile that allows userfaultfd"));
        } else {
            findings.add(Finding.fails(
                    "user-mode faults",
                    Errno.describe(probe.errno()) + ": UFFD_USER_MODE_ONLY came with Linux 5.11; a security module may"
                            + " forbid it",
                    "boot a newer kernel, or run as root"));
        }
    }

    private Finding notThere() {
        return underSeccomp()
                ? Finding.limited(
                        "system call",
                        "userfaultfd(2): " + Errno.describe(Errno.ENOSYS) + ": a seccomp filter hides it",
                        "run the container with a seccomp profile that allows userfaultfd")
                : Finding.fails(
                        "system call",
                        "userfaultfd(2): " + Errno.describe(Errno.ENOSYS)
                                + ": the kernel is built without CONFIG_USERFAULTFD",
                        "boot a kernel built with CONFIG_USERFAULTFD=y");
    }

    private boolean underSeccomp() {
        return machine.text(STATUS).filter(t -> SECCOMP.matcher(t).find()).isPresent();
    }

    private void memfd() {
        Optional<String> trouble = machine.memfdTrouble();
        if (trouble.isPresent()) {
            findings.add(Finding.fails(
                    "memfd",
                    "shared memory cannot be created and sealed: " + trouble.get(),
                    "boot a kernel with CONFIG_MEMFD_CREATE=y, or allow memfd_create in the sandbox"));
        } else {
            findings.add(
                    Finding.ok("memfd", "can be created and sealed (" + Memfd.sealNames(Memfd.REGION_SEALS) + ")"));
        }
    }

    private void pageSize() {
        int bytes = machine.pageBytes();
        if (bytes == PAGE_BYTES) {
            findings.add(Finding.ok("page size", bytes + " bytes"));
        } else {
            findings.add(Finding.fails(
                    "page size",
                    bytes + " bytes; live mode knows pages of " + PAGE_BYTES + " bytes only",
                    "boot a kernel with 4 KiB pages, or use the model (--mode model)"));
        }
    }

    private void mappings() {
        Optional<Long> limit = number(MAX_MAP_COUNT);
        Optional<Long> used = machine.text(MAPS).map(t -> t.lines().count());
        if (limit.isEmpty() || used.isEmpty()) {
            findings.add(Finding.ok("max_map_count", "cannot be read"));
        } else if (limit.get() - used.get() < FREE_MAPPINGS) {
            findings.add(Finding.limited(
                    "max_map_count",
                    limit.get() + ", of which this JVM uses " + used.get() + ": many arenas can run out of mappings",
                    "sudo sysctl -w vm.max_map_count=262144"));
        } else {
            findings.add(Finding.ok("max_map_count", limit.get() + ", of which this JVM uses " + used.get()));
        }
    }

    private void lockedMemory() {
        String limit = machine.text(LIMITS)
                .map(MEMLOCK::matcher)
                .filter(Matcher::find)
                .map(m -> m.group(1))
                .orElse("unknown");
        findings.add(
                Finding.ok(
                        "memlock",
                        limit
                                + " (bytes); live mode locks no memory, so this limits only programs that lock what they map (mlockall)"));
    }

    private void controlGroup() {
        Optional<MemoryLimit> limit = MemoryLimit.of(machine);
        if (limit.isEmpty()) {
            findings.add(Finding.ok("cgroup memory", "no limit"));
            return;
        }
        MemoryLimit l = limit.get();
        String said = mebibytes(l.limitBytes()) + " in " + l.file() + ", " + mebibytes(l.usedBytes()) + " used";
        if (l.limitBytes() < SMALL_LIMIT_BYTES) {
            findings.add(Finding.limited(
                    "cgroup memory",
                    said + ": program, daemon, RAM budget and devices in memory share it",
                    "echo 2G | sudo tee " + l.file() + " (in a container: --memory 2g)"));
        } else {
            findings.add(
                    Finding.ok("cgroup memory", said + "; program, daemon, RAM budget and devices in memory share it"));
        }
    }

    private void hugePages() {
        Optional<String> setting = machine.text(SHMEM_HUGE);
        if (setting.filter(t -> t.contains("[force]")).isPresent()) {
            findings.add(Finding.limited(
                    "huge pages",
                    "shared memory is forced into huge pages: single pages are then slow to evict, and stay in RAM",
                    "echo advise | sudo tee " + SHMEM_HUGE));
        } else {
            findings.add(Finding.ok("huge pages", "not forced on shared memory"));
        }
    }

    private void swap() {
        long areas = machine.text(SWAPS).map(t -> t.lines().count() - 1).orElse(0L);
        if (areas > 0) {
            findings.add(
                    Finding.ok(
                            "swap",
                            areas
                                    + " area(s); the kernel may swap out what live mode counts as RAM when the machine runs short"));
        } else {
            findings.add(Finding.ok("swap", "none; what live mode counts as RAM stays there"));
        }
    }

    private Optional<Long> number(Path file) {
        return machine.text(file)
                .map(String::strip)
                .filter(t -> t.matches("[0-9]{1,18}"))
                .map(Long::valueOf);
    }

    private static String mebibytes(long bytes) {
        return (bytes >> 20) + " MiB";
    }
}
