package org.heteromem.live.natives;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.foreign.ValueLayout.OfLong;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.NoSuchElementException;

/**
 * The method handles: each C function once, each with the kernel's own convention for results, that is a value of zero or
 * more, or minus errno.
 *
 * <p>All but one are called in one shape: six integer registers, and a segment behind them that the function never looks
 * at. The linker generates code for each shape it meets, at some ten milliseconds each, so a shape a function would more
 * than double the time that a daemon needs to start. Both calling conventions that live mode knows (System V for x86-64,
 * AAPCS64) allow it: a function reads the registers of its own parameters, of an {@code int} the lower half, and its caller
 * removes what lies on the stack. Functions with variadic parameters are told apart, since x86-64 wants to know of them.
 *
 * <p>Pointers travel as addresses. Where one points into a caller's segment, that segment is the last argument: then the
 * linker keeps its arena open until the call returns, and refuses it if it is on the Java heap.
 *
 * <p>{@code Linker.Option.critical} is used for {@code sched_getcpu} alone. It saves the thread-state transition, some
 * nanoseconds, but a thread in a critical call stops every safepoint; each ioctl of userfaultfd can wait for the address
 * space lock of a foreign process or for memory, so none of them may be critical however short it usually is.
 */
@SuppressWarnings("restricted") // the one place of the project that links native functions
final class Calls {
    private static final OfLong LONG = ValueLayout.JAVA_LONG;
    private static final AddressLayout POINTER = ValueLayout.ADDRESS;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup LIBC = LINKER.defaultLookup();
    private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");

    static final MemoryLayout CAPTURE_LAYOUT = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = CAPTURE_LAYOUT.varHandle(MemoryLayout.PathElement.groupElement("errno"));

    /** Six registers of arguments, and a segment whose arena stays open during the call. */
    private static final FunctionDescriptor SHAPE =
            FunctionDescriptor.of(LONG, LONG, LONG, LONG, LONG, LONG, LONG, POINTER);

    private static final Linker.Option VARIADIC = Linker.Option.firstVariadicArg(1);

    /** For calls into no segment of a caller. */
    private static final MemorySegment NONE = MemorySegment.NULL;

    private static final MethodHandle IOCTL = link("ioctl", VARIADIC);
    private static final MethodHandle SYSCALL = link("syscall", VARIADIC);
    private static final MethodHandle FCNTL = link("fcntl", VARIADIC);
    private static final MethodHandle OPEN = link("open", VARIADIC);
    private static final MethodHandle CLOSE = link("close");
    private static final MethodHandle MEMFD_CREATE = link("memfd_create");
    private static final MethodHandle FTRUNCATE = link("ftruncate");
    private static final MethodHandle FALLOCATE = link("fallocate");
    private static final MethodHandle LSEEK = link("lseek");
    private static final MethodHandle STATX = link("statx");
    private static final MethodHandle PREAD = link("pread");
    private static final MethodHandle PWRITE = link("pwrite");
    private static final MethodHandle PREADV2 = link("preadv2");
    private static final MethodHandle MMAP = link("mmap");
    private static final MethodHandle MUNMAP = link("munmap");
    private static final MethodHandle MADVISE = link("madvise");
    private static final MethodHandle MPROTECT = link("mprotect");
    private static final MethodHandle POLL = link("poll");
    private static final MethodHandle EVENTFD = link("eventfd");
    private static final MethodHandle READ = link("read");
    private static final MethodHandle WRITE = link("write");
    private static final MethodHandle SOCKET = link("socket");
    private static final MethodHandle SOCKETPAIR = link("socketpair");
    private static final MethodHandle BIND = link("bind");
    private static final MethodHandle LISTEN = link("listen");
    private static final MethodHandle ACCEPT4 = link("accept4");
    private static final MethodHandle CONNECT = link("connect");
    private static final MethodHandle SHUTDOWN = link("shutdown");
    private static final MethodHandle GETSOCKOPT = link("getsockopt");
    private static final MethodHandle SENDMSG = link("sendmsg");
    private static final MethodHandle RECVMSG = link("recvmsg");
    private static final MethodHandle SCHED_SETAFFINITY = link("sched_setaffinity");
    private static final MethodHandle SCHED_GETAFFINITY = link("sched_getaffinity");
    private static final MethodHandle SETPRIORITY = link("setpriority");
    private static final MethodHandle SETSID = link("setsid");
    private static final MethodHandle GETEUID = link("geteuid");
    private static final MethodHandle GETPAGESIZE = link("getpagesize");

    /** Its shape is its own, and few programs need it: linked at first use. */
    private static final class SchedGetcpu {
        static final MethodHandle HANDLE = LINKER.downcallHandle(
                symbol("sched_getcpu"), FunctionDescriptor.of(ValueLayout.JAVA_INT), Linker.Option.critical(false));
    }

    private Calls() {}

    private static MethodHandle link(String name, Linker.Option... more) {
        Linker.Option[] options = Arrays.copyOf(more, more.length + 1);
        options[more.length] = CAPTURE;
        return LINKER.downcallHandle(symbol(name), SHAPE, options);
    }

    /** Calls a function that returns an {@code int}: the upper half of the register means nothing. */
    private static int callInt(
            MethodHandle function, MemorySegment kept, long a, long b, long c, long d, long e, long f) {
        Scratch s = Scratch.get();
        try {
            int value = (int) (long) function.invokeExact(s.capture, a, b, c, d, e, f, kept);
            return (int) result(value, s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static long callLong(
            MethodHandle function, MemorySegment kept, long a, long b, long c, long d, long e, long f) {
        Scratch s = Scratch.get();
        try {
            return result((long) function.invokeExact(s.capture, a, b, c, d, e, f, kept), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static MemorySegment symbol(String name) {
        return LIBC.find(name)
                .orElseThrow(() -> new NoSuchElementException("the C library has no function '" + name
                        + "'; live mode needs glibc 2.28 or musl 1.2.5, or newer"));
    }

    /** A method handle threw: the linker is wired wrongly, or the caller's arena is closed. */
    private static RuntimeException unexpected(Throwable thrown) {
        if (thrown instanceof RuntimeException runtime) {
            return runtime;
        }
        if (thrown instanceof Error error) {
            throw error;
        }
        return new IllegalStateException("a native function threw", thrown);
    }

    private static long result(long value, Scratch scratch) {
        return value == -1 ? -(int) ERRNO.get(scratch.capture, 0L) : value;
    }

    /** {@code ioctl}; see {@link #ioctl(int, long, long, MemorySegment)}. */
    static int ioctl(int fd, long request, long argument) {
        return ioctl(fd, request, argument, MemorySegment.NULL);
    }

    /**
     * {@code ioctl} with an argument structure that points into {@code kept}. The C function looks at three arguments; the
     * fourth is handed over only so that the linker keeps the arena of {@code kept} open during the call.
     */
    static int ioctl(int fd, long request, long argument, MemorySegment kept) {
        return callInt(IOCTL, kept, fd, request, argument, 0, 0, 0);
    }

    static long syscall(long number, long a, long b, long c) {
        return callLong(SYSCALL, NONE, number, a, b, c, 0, 0);
    }

    static int fcntl(int fd, int command, long argument) {
        return callInt(FCNTL, NONE, fd, command, argument, 0, 0, 0);
    }

    static int open(MemorySegment path, int flags, int mode) {
        return callInt(OPEN, path, path.address(), flags, mode, 0, 0, 0);
    }

    static int close(int fd) {
        return callInt(CLOSE, NONE, fd, 0, 0, 0, 0, 0);
    }

    static int memfdCreate(MemorySegment name, int flags) {
        return callInt(MEMFD_CREATE, name, name.address(), flags, 0, 0, 0, 0);
    }

    static int ftruncate(int fd, long length) {
        return callInt(FTRUNCATE, NONE, fd, length, 0, 0, 0, 0);
    }

    static int fallocate(int fd, int mode, long offset, long length) {
        return callInt(FALLOCATE, NONE, fd, mode, offset, length, 0, 0);
    }

    static long lseek(int fd, long offset, int whence) {
        return callLong(LSEEK, NONE, fd, offset, whence, 0, 0, 0);
    }

    static int statx(int fd, MemorySegment path, int flags, int mask, long buffer) {
        return callInt(STATX, path, fd, path.address(), flags, mask, buffer, 0);
    }

    static long pread(int fd, MemorySegment to, long bytes, long offset) {
        return callLong(PREAD, to, fd, to.address(), bytes, offset, 0, 0);
    }

    static long pwrite(int fd, MemorySegment from, long bytes, long offset) {
        return callLong(PWRITE, from, fd, from.address(), bytes, offset, 0, 0);
    }

    static long preadv2(int fd, long vectors, int count, long offset, int flags) {
        return callLong(PREADV2, NONE, fd, vectors, count, offset, flags, 0);
    }

    static long mmap(long address, long length, int protection, int flags, int fd, long offset) {
        return callLong(MMAP, NONE, address, length, protection, flags, fd, offset);
    }

    static int munmap(long address, long length) {
        return callInt(MUNMAP, NONE, address, length, 0, 0, 0, 0);
    }

    static int madvise(long address, long length, int advice) {
        return callInt(MADVISE, NONE, address, length, advice, 0, 0, 0);
    }

    static int mprotect(long address, long length, int protection) {
        return callInt(MPROTECT, NONE, address, length, protection, 0, 0, 0);
    }

    static int poll(MemorySegment descriptors, long count, int timeoutMillis) {
        return callInt(POLL, descriptors, descriptors.address(), count, timeoutMillis, 0, 0, 0);
    }

    static int eventfd(int initial, int flags) {
        return callInt(EVENTFD, NONE, initial, flags, 0, 0, 0, 0);
    }

    static long read(int fd, long address, long bytes) {
        return callLong(READ, NONE, fd, address, bytes, 0, 0, 0);
    }

    static long write(int fd, long address, long bytes) {
        return callLong(WRITE, NONE, fd, address, bytes, 0, 0, 0);
    }

    static int socket(int domain, int type, int protocol) {
        return callInt(SOCKET, NONE, domain, type, protocol, 0, 0, 0);
    }

    static int socketpair(int domain, int type, int protocol, long pair) {
        return callInt(SOCKETPAIR, NONE, domain, type, protocol, pair, 0, 0);
    }

    static int bind(int fd, MemorySegment address, int bytes) {
        return callInt(BIND, address, fd, address.address(), bytes, 0, 0, 0);
    }

    static int listen(int fd, int backlog) {
        return callInt(LISTEN, NONE, fd, backlog, 0, 0, 0, 0);
    }

    static int accept4(int fd, int flags) {
        return callInt(ACCEPT4, NONE, fd, 0, 0, flags, 0, 0);
    }

    static int connect(int fd, MemorySegment address, int bytes) {
        return callInt(CONNECT, address, fd, address.address(), bytes, 0, 0, 0);
    }

    static int shutdown(int fd, int how) {
        return callInt(SHUTDOWN, NONE, fd, how, 0, 0, 0, 0);
    }

    static int getsockopt(int fd, int level, int name, long value, long valueBytes) {
        return callInt(GETSOCKOPT, NONE, fd, level, name, value, valueBytes, 0);
    }

    /** {@code sendmsg}; {@code kept} is the segment that the header points into, see {@link #ioctl}. */
    static long sendmsg(int fd, long header, int flags, MemorySegment kept) {
        return callLong(SENDMSG, kept, fd, header, flags, 0, 0, 0);
    }

    /** {@code recvmsg}; {@code kept} is the segment that the header points into, see {@link #ioctl}. */
    static long recvmsg(int fd, long header, int flags, MemorySegment kept) {
        return callLong(RECVMSG, kept, fd, header, flags, 0, 0, 0);
    }

    static int schedSetaffinity(int threadId, long bytes, long mask) {
        return callInt(SCHED_SETAFFINITY, NONE, threadId, bytes, mask, 0, 0, 0);
    }

    static int schedGetaffinity(int threadId, long bytes, long mask) {
        return callInt(SCHED_GETAFFINITY, NONE, threadId, bytes, mask, 0, 0, 0);
    }

    static int schedGetcpu() {
        try {
            return (int) SchedGetcpu.HANDLE.invokeExact();
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int setpriority(int which, int id, int nice) {
        return callInt(SETPRIORITY, NONE, which, id, nice, 0, 0, 0);
    }

    static int setsid() {
        return callInt(SETSID, NONE, 0, 0, 0, 0, 0, 0);
    }

    static int geteuid() {
        return callInt(GETEUID, NONE, 0, 0, 0, 0, 0, 0);
    }

    static int getpagesize() {
        return callInt(GETPAGESIZE, NONE, 0, 0, 0, 0, 0, 0);
    }
}
