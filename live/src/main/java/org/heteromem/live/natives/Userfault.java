package org.heteromem.live.natives;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * A userfaultfd: page faults of a range of some process's memory, answered from user space.
 *
 * <p>The process whose memory it is opens it and registers ranges; whoever holds the descriptor, in any process, reads
 * events and places pages. Addresses are always those of the process that opened it. One userfaultfd serves any number of
 * ranges of one process.
 *
 * <p>When the last descriptor of it closes, threads that wait in faults go on and <em>read zeros</em>: the owner of the
 * memory keeps a duplicate for its life.
 *
 * <p>Thread-safe. {@code tryX} calls return bytes done or minus an {@link Errno} and never throw: EEXIST, a page is there
 * already; ENOENT, the range is not (or no longer) registered; ESRCH, the process is gone; EAGAIN, the address space
 * is changing, ask again; EFAULT, past the end of the file; ENOMEM and ENOSPC, no memory; EBADF, closed. A call can wait
 * for the address-space lock of the foreign process; a hostile one can make it wait long, so serve each client by a thread
 * of its own. Source: {@code mm/userfaultfd.c}, {@code fs/userfaultfd.c}.
 */
public final class Userfault implements AutoCloseable {
    /** Whose faults it can serve. */
    public enum Rights {
        /** Those of user code and of system calls that read or write the memory. */
        FULL,
        /** Those of user code; a system call that meets an absent page fails with EFAULT. */
        USER_MODE_ONLY
    }

    /** A way to open one. */
    public enum Route {
        /** {@code userfaultfd(2)}: root, CAP_SYS_PTRACE, or {@code vm.unprivileged_userfaultfd=1}. */
        SYSCALL(Rights.FULL),
        /** {@code /dev/userfaultfd}: who may open that file. Linux 6.1. */
        DEVICE(Rights.FULL),
        /** {@code userfaultfd(2)} with {@code UFFD_USER_MODE_ONLY}: everyone, unless a sandbox forbids. Linux 5.11. */
        SYSCALL_USER_MODE(Rights.USER_MODE_ONLY);

        private final Rights rights;

        Route(Rights rights) {
            this.rights = rights;
        }

        /** The rights that this way gives. */
        public Rights rights() {
            return rights;
        }
    }

    /**
     * What came of trying a route.
     *
     * @param errno 0 when it works, else the {@link Errno} that it failed with
     * @param features bits of {@link Uffdio} that the kernel has; 0 when it failed
     */
    public record Probe(int errno, long features) {
        /** Whether the route works. */
        public boolean works() {
            return errno == 0;
        }
    }

    /** Where Linux keeps the device of {@link Route#DEVICE}. */
    public static final Path DEVICE = Path.of("/dev/userfaultfd");

    private static final int O_NONBLOCK = 0x800;
    private static final int O_CLOEXEC = 0x80000;
    private static final int USER_MODE_ONLY = 1;
    private static final int RWF_NOWAIT = 8;
    private static final String KIND = "anon_inode:[userfaultfd]";

    private final Fd fd;
    private final Optional<Rights> rights;

    /** Whether {@code preadv2} with NOWAIT works on a userfaultfd (Linux 6.10); found out by the first read. */
    private volatile boolean nowait = true;

    private Userfault(Fd fd, Optional<Rights> rights) {
        this.fd = fd;
        this.rights = rights;
    }

    /**
     * Opens one for this process by the first route that works, the ones with full rights first.
     *
     * @param features bits of {@link Uffdio} to switch on
     * @throws NativeException when no route works, with the error of the last; or when the kernel lacks a feature
     */
    public static Userfault open(long features) {
        NativeException last = null;
        for (Route route : Route.values()) {
            try {
                return open(route, DEVICE, features);
            } catch (NativeException e) {
                if (last != null) {
                    e.addSuppressed(last);
                }
                last = e;
            }
        }
        throw Objects.requireNonNull(last);
    }

    /**
     * Opens one for this process by one route.
     *
     * @param device the device file, looked at by {@link Route#DEVICE} only
     * @param features bits of {@link Uffdio} to switch on
     * @throws NativeException when the route is closed (EPERM, EACCES, ENOENT, ENOSYS), or the kernel lacks a feature
     *     (EINVAL; the message names it)
     */
    public static Userfault open(Route route, Path device, long features) {
        int number = openDescriptor(route, device);
        if (number < 0) {
            throw new NativeException("userfaultfd", "route=" + route, -number);
        }
        Userfault opened = new Userfault(Fd.own(number, "userfaultfd"), Optional.of(route.rights()));
        int r = opened.handshake(features);
        if (r < 0) {
            opened.close();
            long missing = features & ~probe(route, device).features();
            throw new NativeException(
                    "ioctl(UFFDIO_API)",
                    "features=" + Uffdio.featureNames(features) + " (this kernel lacks: " + Uffdio.featureNames(missing)
                            + ")",
                    -r);
        }
        return opened;
    }

    /** Tries a route, and asks the kernel for all features that it has. Leaves nothing open. */
    public static Probe probe(Route route, Path device) {
        int number = openDescriptor(route, device);
        if (number < 0) {
            return new Probe(-number, 0);
        }
        try (Userfault opened = new Userfault(Fd.own(number, "userfaultfd"), Optional.of(route.rights()))) {
            int r = opened.handshake(0);
            return r < 0
                    ? new Probe(-r, 0)
                    : new Probe(0, Scratch.get().arguments.get(ValueLayout.JAVA_LONG, Uffdio.SECOND));
        }
    }

    private static int openDescriptor(Route route, Path device) {
        Platform platform = Platform.require();
        int flags = O_CLOEXEC | O_NONBLOCK;
        return switch (route) {
            case SYSCALL -> (int) Calls.syscall(platform.sysUserfaultfd(), flags, 0, 0);
            case SYSCALL_USER_MODE -> (int) Calls.syscall(platform.sysUserfaultfd(), flags | USER_MODE_ONLY, 0, 0);
            case DEVICE -> {
                try (NativeFile file =
                        NativeFile.open(device, Set.of(NativeFile.Access.READ, NativeFile.Access.WRITE))) {
                    Fd opened = file.fd();
                    int number = opened.borrow("ioctl(USERFAULTFD_IOC_NEW)");
                    try {
                        yield Calls.ioctl(number, Uffdio.DEVICE_NEW, flags);
                    } finally {
                        opened.giveBack();
                    }
                } catch (NativeException e) {
                    yield -e.errno();
                }
            }
        };
    }

    private int handshake(long features) {
        Scratch s = Scratch.get();
        s.arguments.set(ValueLayout.JAVA_LONG, Uffdio.FIRST, Uffdio.API_VERSION);
        s.arguments.set(ValueLayout.JAVA_LONG, Uffdio.SECOND, features);
        s.arguments.set(ValueLayout.JAVA_LONG, Uffdio.THIRD, 0L);
        return ioctl(Uffdio.API, s, MemorySegment.NULL);
    }

    /**
     * Takes a descriptor that a stranger has sent, if it is a userfaultfd that has been set up.
     *
     * @param fd the descriptor; owned by the result, and by the caller still when this throws
     * @param what for messages, such as {@code client 17}
     * @throws IllegalArgumentException if it is something else; the message says what
     */
    public static Userfault adopt(Fd fd, String what) {
        String target = fd.target();
        if (!target.equals(KIND)) {
            throw new IllegalArgumentException(
                    what + ": the descriptor sent as its userfaultfd is '" + target + "', not " + KIND);
        }
        Userfault adopted = new Userfault(fd, Optional.empty());
        int r = adopted.tryWake(1L << 32, 4096); // wakes nobody, but is refused before the handshake
        if (r < 0) {
            throw new IllegalArgumentException(
                    what + ": its userfaultfd was not set up (UFFDIO_WAKE: " + Errno.describe(-r) + ")");
        }
        return adopted;
    }

    /** The descriptor; closing it closes this. */
    public Fd fd() {
        return fd;
    }

    /** Whose faults it serves; empty for an adopted one, where only its opener knows. */
    public Optional<Rights> rights() {
        return rights;
    }

    /**
     * Serves a range from now on.
     *
     * @param address first address, a multiple of the page size
     * @param length bytes, a multiple of the page size
     * @param modes bits of {@code Uffdio.REGISTER_}
     * @throws NativeException EINVAL for a range that is not mapped, or cannot be served in such a mode; EBUSY when another
     *     userfaultfd has it
     */
    public void register(long address, long length, int modes) {
        Scratch s = Scratch.get();
        range(s, address, length);
        s.arguments.set(ValueLayout.JAVA_LONG, Uffdio.THIRD, (long) modes);
        s.arguments.set(ValueLayout.JAVA_LONG, Uffdio.FOURTH, 0L);
        check(ioctl(Uffdio.REGISTER, s, MemorySegment.NULL), "ioctl(UFFDIO_REGISTER)", address, length);
    }

    /** Stops serving a range, lifts its write protection, and wakes who waits there. */
    public void unregister(long address, long length) {
        Scratch s = Scratch.get();
        range(s, address, length);
        check(ioctl(Uffdio.UNREGISTER, s, MemorySegment.NULL), "ioctl(UFFDIO_UNREGISTER)", address, length);
    }

    /**
     * Places a copy of bytes and maps them: one step, seen by the other process entirely or not at all, page by page.
     *
     * @param address where, in the other process
     * @param source where the bytes are, in this one; native memory
     * @param sourceOffset offset of the first
     * @param length bytes, a multiple of the page size
     * @param mode bits of {@link Uffdio#MODE_DONTWAKE} and {@link Uffdio#MODE_WP}
     * @return bytes placed, from the start on (fewer than {@code length} when it met an obstacle), or minus errno
     */
    public long tryCopy(long address, MemorySegment source, long sourceOffset, long length, int mode) {
        if (sourceOffset < 0 || length < 0 || sourceOffset > source.byteSize() - length || !source.isNative()) {
            throw new IndexOutOfBoundsException("bytes " + sourceOffset + " to " + (sourceOffset + length)
                    + " are not inside a native segment: " + source);
        }
        Scratch s = Scratch.get();
        MemorySegment a = s.arguments;
        a.set(ValueLayout.JAVA_LONG, Uffdio.FIRST, address);
        a.set(ValueLayout.JAVA_LONG, Uffdio.SECOND, source.address() + sourceOffset);
        a.set(ValueLayout.JAVA_LONG, Uffdio.THIRD, length);
        a.set(ValueLayout.JAVA_LONG, Uffdio.FOURTH, (long) mode);
        a.set(ValueLayout.JAVA_LONG, Uffdio.FIFTH, 0L);
        return placed(ioctl(Uffdio.COPY, s, source), s, Uffdio.FIFTH, length);
    }

    /** Like {@link #tryCopy} until all is placed; throws what stops it. */
    public void copy(long address, MemorySegment source, long sourceOffset, long length, int mode) {
        long done = 0;
        while (done < length) {
            done += progress(
                    tryCopy(address + done, source, sourceOffset + done, length - done, mode),
                    "ioctl(UFFDIO_COPY)",
                    address + done,
                    length - done);
        }
    }

    /**
     * Places pages of zeros; in shared memory each takes RAM.
     *
     * @param mode 0 or {@link Uffdio#MODE_DONTWAKE}
     * @return bytes placed, or minus errno
     */
    public long tryZero(long address, long length, int mode) {
        return place(Uffdio.ZEROPAGE, address, length, mode);
    }

    /** Like {@link #tryZero} until all is placed; throws what stops it. */
    public void zero(long address, long length, int mode) {
        for (long done = 0; done < length; ) {
            done += progress(
                    tryZero(address + done, length - done, mode),
                    "ioctl(UFFDIO_ZEROPAGE)",
                    address + done,
                    length - done);
        }
    }

    /**
     * Maps pages that the file has already.
     *
     * @param mode bits of {@link Uffdio#MODE_DONTWAKE} and {@link Uffdio#MODE_WP}
     * @return bytes mapped, or minus errno: EFAULT where the file has a hole
     */
    public long tryContinue(long address, long length, int mode) {
        return place(Uffdio.CONTINUE, address, length, mode);
    }

    /** Like {@link #tryContinue} until all is mapped; throws what stops it. */
    public void continueMapping(long address, long length, int mode) {
        for (long done = 0; done < length; ) {
            done += progress(
                    tryContinue(address + done, length - done, mode),
                    "ioctl(UFFDIO_CONTINUE)",
                    address + done,
                    length - done);
        }
    }

    /**
     * Marks pages that are not there as lost: a touch is a SIGBUS from then on, until a COPY.
     *
     * @param mode 0 or {@link Uffdio#MODE_DONTWAKE}
     * @return bytes marked, or minus errno: EEXIST where a page is there
     */
    public long tryPoison(long address, long length, int mode) {
        return place(Uffdio.POISON, address, length, mode);
    }

    /**
     * Changes write protection.
     *
     * @param mode bits of {@link Uffdio#PROTECT_WP} and {@link Uffdio#PROTECT_DONTWAKE}
     * @return 0 or minus errno
     */
    public int tryWriteProtect(long address, long length, int mode) {
        Scratch s = Scratch.get();
        range(s, address, length);
        s.arguments.set(ValueLayout.JAVA_LONG, Uffdio.THIRD, (long) mode);
        return ioctl(Uffdio.WRITEPROTECT, s, MemorySegment.NULL);
    }

    /** {@link #tryWriteProtect}, asked again while the address space is changing; throws what stops it. */
    public void writeProtect(long address, long length, int mode) {
        int r;
        while ((r = tryWriteProtect(address, length, mode)) == -Errno.EAGAIN) {
            Thread.onSpinWait();
        }
        check(r, "ioctl(UFFDIO_WRITEPROTECT)", address, length);
    }

    /**
     * Lets threads that wait for a range try again: they go on if the page is there, and raise a new event if not.
     *
     * @return 0 or minus errno
     */
    public int tryWake(long address, long length) {
        Scratch s = Scratch.get();
        range(s, address, length);
        return ioctl(Uffdio.WAKE, s, MemorySegment.NULL);
    }

    /** {@link #tryWake}; throws what stops it. */
    public void wake(long address, long length) {
        check(tryWake(address, length), "ioctl(UFFDIO_WAKE)", address, length);
    }

    /**
     * Reads the events that are there, and waits for none: watch {@link #fd()} with a {@link Poller}.
     *
     * <p>The opener of the descriptor can make it block, at any time, behind the reader's back; from Linux 6.10 on this
     * call does not block even then. On an older kernel it can, and holds up only the thread that serves this client.
     *
     * @return how many, up to the batch's capacity; 0 when there is none; or minus errno
     */
    public int read(UserfaultEvents events) {
        events.filled(0);
        int number = fd.tryBorrow();
        if (number < 0) {
            return number;
        }
        long r;
        try {
            r = nowait ? Calls.preadv2(number, events.vectorAddress(), 1, -1, RWF_NOWAIT) : -Errno.EOPNOTSUPP;
            if (r == -Errno.EOPNOTSUPP) {
                nowait = false;
                r = Calls.read(number, events.messagesAddress(), events.messagesBytes());
            }
        } finally {
            fd.giveBack();
        }
        if (r < 0) {
            return r == -Errno.EAGAIN || r == -Errno.EINTR ? 0 : (int) r;
        }
        int count = (int) (r / UffdMessage.BYTES);
        events.filled(count);
        return count;
    }

    private long place(long request, long address, long length, int mode) {
        Scratch s = Scratch.get();
        range(s, address, length);
        s.arguments.set(ValueLayout.JAVA_LONG, Uffdio.THIRD, (long) mode);
        s.arguments.set(ValueLayout.JAVA_LONG, Uffdio.FOURTH, 0L);
        return placed(ioctl(request, s, MemorySegment.NULL), s, Uffdio.FOURTH, length);
    }

    private static void range(Scratch s, long address, long length) {
        s.arguments.set(ValueLayout.JAVA_LONG, Uffdio.FIRST, address);
        s.arguments.set(ValueLayout.JAVA_LONG, Uffdio.SECOND, length);
    }

    /** The kernel says EAGAIN when it did a part, and leaves the bytes done in the structure's last field. */
    private static long placed(int result, Scratch s, int doneField, long length) {
        if (result >= 0) {
            return length;
        }
        long done = s.arguments.get(ValueLayout.JAVA_LONG, doneField);
        return result == -Errno.EAGAIN && done > 0 ? done : result;
    }

    private int ioctl(long request, Scratch s, MemorySegment kept) {
        int number = fd.tryBorrow();
        if (number < 0) {
            return number;
        }
        try {
            return Calls.ioctl(number, request, s.argumentsAddress, kept);
        } finally {
            fd.giveBack();
        }
    }

    private long progress(long result, String call, long address, long length) {
        if (result == -Errno.EAGAIN) {
            Thread.onSpinWait();
            return 0;
        }
        check(result, call, address, length);
        return result;
    }

    private void check(long result, String call, long address, long length) {
        if (result < 0) {
            throw new NativeException(
                    call, fd + " address=0x" + Long.toHexString(address) + " length=" + length, (int) -result);
        }
    }

    @Override
    public void close() {
        fd.close();
    }

    @Override
    public String toString() {
        return fd.toString();
    }
}
