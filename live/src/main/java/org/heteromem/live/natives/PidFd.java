package org.heteromem.live.natives;

import org.jspecify.annotations.Nullable;

/**
 * A process by a descriptor that never means another one ({@code pidfd_open}). Readable in a {@link Poller} once the
 * process has ended. Thread-safe.
 */
public final class PidFd implements AutoCloseable {
    /** Ask whether a signal could be sent, and send none. */
    public static final int SIGNAL_NONE = 0;

    public static final int SIGNAL_KILL = 9;
    public static final int SIGNAL_TERMINATE = 15;

    private final Fd fd;

    PidFd(Fd fd) {
        this.fd = fd;
    }

    /**
     * Opens the process that has this id now.
     *
     * @throws NativeException ESRCH if there is none
     */
    public static PidFd open(long pid) {
        Platform.require();
        long number = Calls.syscall(Platform.SYS_PIDFD_OPEN, pid, 0, 0);
        if (number < 0) {
            throw new NativeException("pidfd_open", "pid=" + pid, (int) -number);
        }
        return new PidFd(Fd.own((int) number, "pidfd of " + pid));
    }

    /**
     * {@link #open}, for a process that may have ended.
     *
     * @return null if it has
     */
    public static @Nullable PidFd openIfAlive(int pid) {
        try {
            return open(pid);
        } catch (NativeException e) {
            if (e.errno() != Errno.ESRCH) {
                throw e;
            }
            return null;
        }
    }

    /**
     * Takes a pidfd that somebody else has opened, such as a predecessor of this process.
     *
     * @param fd a pidfd; owned by the result
     */
    public static PidFd adopt(Fd fd) {
        return new PidFd(fd);
    }

    /** The descriptor to watch for {@link Poller#IN}. */
    public Fd fd() {
        return fd;
    }

    /** Whether the process has ended. */
    public boolean hasExited() {
        Poller poller = new Poller(1);
        poller.add(fd, Poller.IN);
        return poller.poll(0) > 0;
    }

    /**
     * Sends a signal.
     *
     * @return false if the process has ended
     * @throws NativeException EPERM if it belongs to somebody else
     */
    public boolean signal(int signal) {
        int number = fd.borrow("pidfd_send_signal");
        try {
            long r = Calls.syscall(Platform.SYS_PIDFD_SEND_SIGNAL, number, signal, 0);
            if (r == -Errno.ESRCH) {
                return false;
            }
            if (r < 0) {
                throw new NativeException("pidfd_send_signal", fd + " signal=" + signal, (int) -r);
            }
            return true;
        } finally {
            fd.giveBack();
        }
    }

    /**
     * A duplicate of a descriptor of that process: how a successor takes a userfaultfd back from a client whose Java code
     * cannot run.
     *
     * @param theirs the number in the other process
     * @throws NativeException EPERM without the right to trace it, EBADF if it has no such descriptor
     */
    public Fd takeDuplicate(int theirs) {
        int number = fd.borrow("pidfd_getfd");
        try {
            long r = Calls.syscall(Platform.SYS_PIDFD_GETFD, number, theirs, 0);
            if (r < 0) {
                throw new NativeException("pidfd_getfd", fd + " theirs=" + theirs, (int) -r);
            }
            return Fd.own((int) r, "descriptor " + theirs + " of " + fd);
        } finally {
            fd.giveBack();
        }
    }

    @Override
    public void close() {
        fd.close();
    }
}
