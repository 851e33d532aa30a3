package org.heteromem.live.natives;

import java.lang.foreign.ValueLayout;

/**
 * A counter that wakes a poller ({@code eventfd}). Thread-safe.
 *
 * <p>Watch {@link #fd()} in a {@link Poller} for {@link Poller#IN}; {@link #signal()} makes it readable, {@link #drain()}
 * makes it quiet again.
 */
public final class EventFd implements AutoCloseable {
    private static final int EFD_NONBLOCK = 0x800;
    private static final int EFD_CLOEXEC = 0x80000;

    private final Fd fd;

    private EventFd(Fd fd) {
        this.fd = fd;
    }

    /** Creates a quiet one. */
    public static EventFd create() {
        Platform.require();
        int number = Calls.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (number < 0) {
            throw new NativeException("eventfd", "", -number);
        }
        return new EventFd(Fd.own(number, "eventfd"));
    }

    /** The descriptor to watch. */
    public Fd fd() {
        return fd;
    }

    /**
     * Adds one to the counter. A full counter is as loud as it gets and stays so.
     *
     * @throws NativeException EBADF after closing
     */
    public void signal() {
        transfer("write(eventfd)", 1);
    }

    /**
     * Takes the counter down to zero.
     *
     * @return how many signals there were since the last time; 0 when none
     */
    public long drain() {
        return transfer("read(eventfd)", 0);
    }

    private long transfer(String call, long value) {
        Scratch s = Scratch.get();
        int number = fd.borrow(call);
        try {
            s.arguments.set(ValueLayout.JAVA_LONG, 0, value);
            long r =
                    value != 0 ? Calls.write(number, s.argumentsAddress, 8) : Calls.read(number, s.argumentsAddress, 8);
            if (r == -Errno.EAGAIN) {
                return 0;
            }
            if (r < 0) {
                throw new NativeException(call, fd.toString(), (int) -r);
            }
            return s.arguments.get(ValueLayout.JAVA_LONG, 0);
        } finally {
            fd.giveBack();
        }
    }

    @Override
    public void close() {
        fd.close();
    }
}
