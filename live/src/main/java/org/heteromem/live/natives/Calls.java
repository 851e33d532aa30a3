package org.heteromem.live.natives;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.foreign.ValueLayout.OfInt;
import java.lang.foreign.ValueLayout.OfLong;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.NoSuchElementException;

/**
 * The method handles: each C function once, each with the kernel's own convention for results, that is a value of zero or
 * more, or minus errno.
 *
 * <p>Pointers into per-thread scratch memory travel as plain {@code long}; pointers into a caller's segment travel as
 * {@link MemorySegment}, because then the linker keeps that segment's arena open until the call returns.
 *
 * <p>{@code Linker.Option.critical} is used for {@code sched_getcpu} alone. It saves the thread-state transition, some
 * nanoseconds, but a thread in a critical call stops every safepoint; each ioctl of userfaultfd can wait for the address
 * space lock of a foreign process or for memory, so none of them may be critical however short it usually is.
 */
@SuppressWarnings("restricted") // the one place of the project that links native functions
final class Calls {
    private static final OfInt INT = ValueLayout.JAVA_INT;
    private static final OfLong LONG = ValueLayout.JAVA_LONG;
    private static final AddressLayout POINTER = ValueLayout.ADDRESS;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup LIBC = LINKER.defaultLookup();
    private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");

    static final MemoryLayout CAPTURE_LAYOUT = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = CAPTURE_LAYOUT.varHandle(MemoryLayout.PathElement.groupElement("errno"));

    private static final MethodHandle IOCTL = link("ioctl", 2, INT, INT, LONG, LONG, POINTER);
    private static final MethodHandle SYSCALL = link("syscall", 1, LONG, LONG, LONG, LONG, LONG, LONG);
    private static final MethodHandle FCNTL = link("fcntl", 2, INT, INT, INT, LONG);
    private static final MethodHandle OPEN = link("open", 2, INT, POINTER, INT, INT);
    private static final MethodHandle CLOSE = link("close", -1, INT, INT);
    private static final MethodHandle MEMFD_CREATE = link("memfd_create", -1, INT, POINTER, INT);
    private static final MethodHandle FTRUNCATE = link("ftruncate", -1, INT, INT, LONG);
    private static final MethodHandle FALLOCATE = link("fallocate", -1, INT, INT, INT, LONG, LONG);
    private static final MethodHandle FDATASYNC = link("fdatasync", -1, INT, INT);
    private static final MethodHandle LSEEK = link("lseek", -1, LONG, INT, LONG, INT);
    private static final MethodHandle STATX = link("statx", -1, INT, INT, POINTER, INT, INT, LONG);
    private static final MethodHandle PREAD = link("pread", -1, LONG, INT, POINTER, LONG, LONG);
    private static final MethodHandle PWRITE = link("pwrite", -1, LONG, INT, POINTER, LONG, LONG);
    private static final MethodHandle PREADV2 = link("preadv2", -1, LONG, INT, LONG, INT, LONG, INT);
    private static final MethodHandle MMAP = link("mmap", -1, LONG, LONG, LONG, INT, INT, INT, LONG);
    private static final MethodHandle MUNMAP = link("munmap", -1, INT, LONG, LONG);
    private static final MethodHandle MADVISE = link("madvise", -1, INT, LONG, LONG, INT);
    private static final MethodHandle POLL = link("poll", -1, INT, POINTER, LONG, INT);
    private static final MethodHandle EVENTFD = link("eventfd", -1, INT, INT, INT);
    private static final MethodHandle READ = link("read", -1, LONG, INT, LONG, LONG);
    private static final MethodHandle WRITE = link("write", -1, LONG, INT, LONG, LONG);
    private static final MethodHandle SOCKET = link("socket", -1, INT, INT, INT, INT);
    private static final MethodHandle SOCKETPAIR = link("socketpair", -1, INT, INT, INT, INT, LONG);
    private static final MethodHandle BIND = link("bind", -1, INT, INT, POINTER, INT);
    private static final MethodHandle LISTEN = link("listen", -1, INT, INT, INT);
    private static final MethodHandle ACCEPT4 = link("accept4", -1, INT, INT, LONG, LONG, INT);
    private static final MethodHandle CONNECT = link("connect", -1, INT, INT, POINTER, INT);
    private static final MethodHandle SHUTDOWN = link("shutdown", -1, INT, INT, INT);
    private static final MethodHandle GETSOCKOPT = link("getsockopt", -1, INT, INT, INT, INT, LONG, LONG);
    private static final MethodHandle SENDMSG = link("sendmsg", -1, LONG, INT, LONG, INT, POINTER);
    private static final MethodHandle RECVMSG = link("recvmsg", -1, LONG, INT, LONG, INT, POINTER);
    private static final MethodHandle SCHED_SETAFFINITY = link("sched_setaffinity", -1, INT, INT, LONG, LONG);
    private static final MethodHandle SCHED_GETAFFINITY = link("sched_getaffinity", -1, INT, INT, LONG, LONG);
    private static final MethodHandle SCHED_GETCPU =
            LINKER.downcallHandle(symbol("sched_getcpu"), FunctionDescriptor.of(INT), Linker.Option.critical(false));
    private static final MethodHandle PRCTL = link("prctl", 1, INT, INT, LONG, LONG, LONG, LONG);
    private static final MethodHandle SETSID = link("setsid", -1, INT);
    private static final MethodHandle GETPPID = link("getppid", -1, INT);
    private static final MethodHandle GETEUID = link("geteuid", -1, INT);
    private static final MethodHandle GETPAGESIZE = link("getpagesize", -1, INT);

    private Calls() {}

    /**
     * Links one function.
     *
     * @param variadicFrom index of the first variadic argument, negative for a function without
     */
    private static MethodHandle link(String name, int variadicFrom, ValueLayout result, ValueLayout... arguments) {
        FunctionDescriptor descriptor = FunctionDescriptor.of(result, arguments);
        return variadicFrom < 0
                ? LINKER.downcallHandle(symbol(name), descriptor, CAPTURE)
                : LINKER.downcallHandle(
                        symbol(name), descriptor, CAPTURE, Linker.Option.firstVariadicArg(variadicFrom));
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
        Scratch s = Scratch.get();
        try {
            return (int) result((int) IOCTL.invokeExact(s.capture, fd, request, argument, kept), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static long syscall(long number, long a, long b, long c) {
        Scratch s = Scratch.get();
        try {
            return result((long) SYSCALL.invokeExact(s.capture, number, a, b, c, 0L), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int fcntl(int fd, int command, long argument) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) FCNTL.invokeExact(s.capture, fd, command, argument), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int open(MemorySegment path, int flags, int mode) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) OPEN.invokeExact(s.capture, path, flags, mode), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int close(int fd) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) CLOSE.invokeExact(s.capture, fd), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int memfdCreate(MemorySegment name, int flags) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) MEMFD_CREATE.invokeExact(s.capture, name, flags), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int ftruncate(int fd, long length) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) FTRUNCATE.invokeExact(s.capture, fd, length), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int fallocate(int fd, int mode, long offset, long length) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) FALLOCATE.invokeExact(s.capture, fd, mode, offset, length), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int fdatasync(int fd) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) FDATASYNC.invokeExact(s.capture, fd), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static long lseek(int fd, long offset, int whence) {
        Scratch s = Scratch.get();
        try {
            return result((long) LSEEK.invokeExact(s.capture, fd, offset, whence), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int statx(int fd, MemorySegment path, int flags, int mask, long buffer) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) STATX.invokeExact(s.capture, fd, path, flags, mask, buffer), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static long pread(int fd, MemorySegment to, long bytes, long offset) {
        Scratch s = Scratch.get();
        try {
            return result((long) PREAD.invokeExact(s.capture, fd, to, bytes, offset), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static long pwrite(int fd, MemorySegment from, long bytes, long offset) {
        Scratch s = Scratch.get();
        try {
            return result((long) PWRITE.invokeExact(s.capture, fd, from, bytes, offset), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static long preadv2(int fd, long vectors, int count, long offset, int flags) {
        Scratch s = Scratch.get();
        try {
            return result((long) PREADV2.invokeExact(s.capture, fd, vectors, count, offset, flags), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static long mmap(long address, long length, int protection, int flags, int fd, long offset) {
        Scratch s = Scratch.get();
        try {
            return result((long) MMAP.invokeExact(s.capture, address, length, protection, flags, fd, offset), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int munmap(long address, long length) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) MUNMAP.invokeExact(s.capture, address, length), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int madvise(long address, long length, int advice) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) MADVISE.invokeExact(s.capture, address, length, advice), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int poll(MemorySegment descriptors, long count, int timeoutMillis) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) POLL.invokeExact(s.capture, descriptors, count, timeoutMillis), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int eventfd(int initial, int flags) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) EVENTFD.invokeExact(s.capture, initial, flags), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static long read(int fd, long address, long bytes) {
        Scratch s = Scratch.get();
        try {
            return result((long) READ.invokeExact(s.capture, fd, address, bytes), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static long write(int fd, long address, long bytes) {
        Scratch s = Scratch.get();
        try {
            return result((long) WRITE.invokeExact(s.capture, fd, address, bytes), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int socket(int domain, int type, int protocol) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) SOCKET.invokeExact(s.capture, domain, type, protocol), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int socketpair(int domain, int type, int protocol, long pair) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) SOCKETPAIR.invokeExact(s.capture, domain, type, protocol, pair), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int bind(int fd, MemorySegment address, int bytes) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) BIND.invokeExact(s.capture, fd, address, bytes), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int listen(int fd, int backlog) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) LISTEN.invokeExact(s.capture, fd, backlog), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int accept4(int fd, int flags) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) ACCEPT4.invokeExact(s.capture, fd, 0L, 0L, flags), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int connect(int fd, MemorySegment address, int bytes) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) CONNECT.invokeExact(s.capture, fd, address, bytes), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int shutdown(int fd, int how) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) SHUTDOWN.invokeExact(s.capture, fd, how), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int getsockopt(int fd, int level, int name, long value, long valueBytes) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) GETSOCKOPT.invokeExact(s.capture, fd, level, name, value, valueBytes), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** {@code sendmsg}; {@code kept} is the segment that the header points into, see {@link #ioctl}. */
    static long sendmsg(int fd, long header, int flags, MemorySegment kept) {
        Scratch s = Scratch.get();
        try {
            return result((long) SENDMSG.invokeExact(s.capture, fd, header, flags, kept), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** {@code recvmsg}; {@code kept} is the segment that the header points into, see {@link #ioctl}. */
    static long recvmsg(int fd, long header, int flags, MemorySegment kept) {
        Scratch s = Scratch.get();
        try {
            return result((long) RECVMSG.invokeExact(s.capture, fd, header, flags, kept), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int schedSetaffinity(int threadId, long bytes, long mask) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) SCHED_SETAFFINITY.invokeExact(s.capture, threadId, bytes, mask), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int schedGetaffinity(int threadId, long bytes, long mask) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) SCHED_GETAFFINITY.invokeExact(s.capture, threadId, bytes, mask), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int schedGetcpu() {
        try {
            return (int) SCHED_GETCPU.invokeExact();
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int prctl(int option, long argument) {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) PRCTL.invokeExact(s.capture, option, argument, 0L, 0L, 0L), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int setsid() {
        Scratch s = Scratch.get();
        try {
            return (int) result((int) SETSID.invokeExact(s.capture), s);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int getppid() {
        Scratch s = Scratch.get();
        try {
            return (int) GETPPID.invokeExact(s.capture);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int geteuid() {
        Scratch s = Scratch.get();
        try {
            return (int) GETEUID.invokeExact(s.capture);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int getpagesize() {
        Scratch s = Scratch.get();
        try {
            return (int) GETPAGESIZE.invokeExact(s.capture);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }
}
