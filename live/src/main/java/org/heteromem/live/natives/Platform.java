package org.heteromem.live.natives;

import java.util.Locale;
import java.util.Optional;

/**
 * The processors that live mode knows, with the few kernel numbers that differ between them.
 *
 * <p>Linux gives every system call a number per architecture and lets some {@code open} flags differ; structures and
 * ioctl numbers used here are the same on both. Source: the kernel's {@code arch/x86/entry/syscalls/syscall_64.tbl} and
 * {@code include/uapi/asm-generic/unistd.h}. Immutable.
 */
public enum Platform {
    /** 64-bit x86 (os.arch {@code amd64} or {@code x86_64}). */
    X86_64(323, 0x4000),
    /** 64-bit Arm (os.arch {@code aarch64} or {@code arm64}). */
    AARCH64(282, 0x10000);

    /** Numbers given out since Linux 5.1 are the same on every architecture. */
    static final int SYS_PIDFD_SEND_SIGNAL = 424;

    static final int SYS_PIDFD_OPEN = 434;
    static final int SYS_PIDFD_GETFD = 438;

    private final int sysUserfaultfd;
    private final int oDirect;

    Platform(int sysUserfaultfd, int oDirect) {
        this.sysUserfaultfd = sysUserfaultfd;
        this.oDirect = oDirect;
    }

    /** System call number of {@code userfaultfd(2)}. */
    int sysUserfaultfd() {
        return sysUserfaultfd;
    }

    /** The {@code O_DIRECT} flag of {@code open(2)}. */
    int oDirect() {
        return oDirect;
    }

    /** The platform this JVM runs on; empty where live mode has no native layer. */
    public static Optional<Platform> current() {
        return of(System.getProperty("os.name", ""), System.getProperty("os.arch", ""));
    }

    /**
     * The platform of a system with these values of {@code os.name} and {@code os.arch}.
     *
     * @param osName value of the system property {@code os.name}
     * @param osArch value of the system property {@code os.arch}
     */
    public static Optional<Platform> of(String osName, String osArch) {
        if (!osName.equals("Linux")) {
            return Optional.empty();
        }
        return switch (osArch.toLowerCase(Locale.ROOT)) {
            case "amd64", "x86_64" -> Optional.of(X86_64);
            case "aarch64", "arm64" -> Optional.of(AARCH64);
            default -> Optional.empty();
        };
    }

    /**
     * The platform this JVM runs on.
     *
     * @throws UnsupportedOperationException where there is none, with the system's name and what to do instead
     */
    public static Platform require() {
        return current()
                .orElseThrow(() -> new UnsupportedOperationException("live mode needs Linux on x86-64 or aarch64, and"
                        + " this is " + System.getProperty("os.name") + " on " + System.getProperty("os.arch")
                        + "; use the model instead (--mode model)"));
    }
}
