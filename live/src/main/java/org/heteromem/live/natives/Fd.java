package org.heteromem.live.natives;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A descriptor that this process owns.
 *
 * <p>The kernel reuses descriptor numbers at once. A daemon that closes one client's userfaultfd while a pump is about to
 * call {@code UFFDIO_COPY} on it could place one client's bytes in another client's memory. So each call on a descriptor
 * borrows it for its duration, and {@link #close()} takes effect when the last borrower has returned:
 *
 * <pre>
 *    31        30                             0
 *   +---------+-------------------------------+
 *   | closed  |  calls under way              |     closed for real when it becomes (closed, 0)
 *   +---------+-------------------------------+
 * </pre>
 *
 * <p>Closing does not interrupt a call that blocks: wait with a {@link Poller} that also watches an {@link EventFd}.
 * Thread-safe. Every descriptor is close-on-exec.
 */
public final class Fd implements AutoCloseable {
    private static final int CLOSED = 1 << 31;
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Fd.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final int number;
    private final String what;

    @SuppressWarnings("unused") // by STATE
    private volatile int state;

    private Fd(int number, String what) {
        this.number = number;
        this.what = what;
    }

    /**
     * Takes over a descriptor number that nothing else in this process will close.
     *
     * @param number zero or more
     * @param what for messages, such as {@code userfaultfd of client 17}
     * @throws IllegalArgumentException if the number is negative
     */
    public static Fd own(int number, String what) {
        if (number < 0) {
            throw new IllegalArgumentException("descriptor number " + number + " for " + what + " is negative");
        }
        return new Fd(number, what);
    }

    /** The number, for messages only: it says nothing about whether the descriptor is still open. */
    public int number() {
        return number;
    }

    /** Whether {@link #close()} has not been called yet. */
    public boolean isOpen() {
        return state >= 0;
    }

    /**
     * Another descriptor of the same open file, closed on its own.
     *
     * @throws NativeException when the process or the system has no descriptor left
     */
    public Fd duplicate() {
        int fd = borrow("fcntl(F_DUPFD_CLOEXEC)");
        try {
            int copy = Calls.fcntl(fd, F_DUPFD_CLOEXEC, 3);
            if (copy < 0) {
                throw new NativeException("fcntl(F_DUPFD_CLOEXEC)", toString(), -copy);
            }
            return new Fd(copy, what);
        } finally {
            giveBack();
        }
    }

    /**
     * What the kernel says the descriptor is, such as {@code anon_inode:[userfaultfd]} or {@code /memfd:region
     * (deleted)}: the way to tell what a stranger has sent.
     *
     * @throws NativeException if the descriptor is closed
     */
    public String target() {
        int fd = borrow("readlink");
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd)).toString();
        } catch (IOException e) {
            throw new IllegalStateException("/proc/self/fd/" + fd + " cannot be read; is /proc mounted?", e);
        } finally {
            giveBack();
        }
    }

    /**
     * Starts a call: the number stays ours until {@link #giveBack()}.
     *
     * @return the descriptor number, or {@code -EBADF} when it is closed
     */
    int tryBorrow() {
        int s;
        do {
            s = state;
            if (s < 0) {
                return -Errno.EBADF;
            }
        } while (!STATE.weakCompareAndSet(this, s, s + 1));
        return number;
    }

    /** {@link #tryBorrow()}, or an exception that names the call that wanted the descriptor. */
    int borrow(String call) {
        int fd = tryBorrow();
        if (fd < 0) {
            throw new NativeException(call, toString(), Errno.EBADF);
        }
        return fd;
    }

    /** Ends a call that began with a borrow which returned a number. */
    void giveBack() {
        int now = (int) STATE.getAndAdd(this, -1) - 1;
        if (now == CLOSED) {
            closeNow();
        }
    }

    /** Closes the descriptor once no call uses it. Closing twice does nothing. */
    @Override
    public void close() {
        int before = (int) STATE.getAndBitwiseOr(this, CLOSED);
        if (before == 0) {
            closeNow();
        }
    }

    private void closeNow() {
        // Linux frees the number whatever close() returns, so there is nothing to retry; an error here is about
        // write-back of a file whose owner asks for its own sync.
        Calls.close(number);
    }

    @Override
    public String toString() {
        return "fd=" + number + " (" + what + (isOpen() ? "" : ", closed") + ")";
    }
}
