package org.heteromem.live.natives;

import java.io.Serial;

/**
 * A system call failed: which one, with which arguments, and why.
 *
 * <p>The message reads {@code ioctl(UFFDIO_COPY) fd=7 dst=0x7f2a40000000 length=4096: EEXIST (17, already there)}.
 */
public final class NativeException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    private final String call;
    private final int errno;

    /**
     * @param call the call, such as {@code mmap} or {@code ioctl(UFFDIO_COPY)}
     * @param arguments address, length and whatever else tells one call from another
     * @param errno the positive error number of {@link Errno}
     */
    public NativeException(String call, String arguments, int errno) {
        super(call + (arguments.isEmpty() ? "" : " " + arguments) + ": " + Errno.describe(errno));
        this.call = call;
        this.errno = errno;
    }

    /** The call that failed, such as {@code ioctl(UFFDIO_COPY)}. */
    public String call() {
        return call;
    }

    /** The error number, one of {@link Errno}; positive. */
    public int errno() {
        return errno;
    }
}
