package org.heteromem.live.natives;

/**
 * Error numbers of Linux, with their names.
 *
 * <p>Only what this package meets is listed. The numbers are those of {@code asm-generic/errno.h}, which x86-64 and aarch64
 * share. Results of {@code tryX} calls are the <em>negated</em> number.
 */
public final class Errno {
    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int ESRCH = 3;
    public static final int EINTR = 4;
    public static final int EIO = 5;
    public static final int ENXIO = 6;
    public static final int EBADF = 9;
    public static final int EAGAIN = 11;
    public static final int ENOMEM = 12;
    public static final int EACCES = 13;
    public static final int EFAULT = 14;
    public static final int EBUSY = 16;
    public static final int EEXIST = 17;
    public static final int ENODEV = 19;
    public static final int ENOTDIR = 20;
    public static final int EISDIR = 21;
    public static final int EINVAL = 22;
    public static final int ENFILE = 23;
    public static final int EMFILE = 24;
    public static final int ENOTTY = 25;
    public static final int ETXTBSY = 26;
    public static final int EFBIG = 27;
    public static final int ENOSPC = 28;
    public static final int ESPIPE = 29;
    public static final int EROFS = 30;
    public static final int EPIPE = 32;
    public static final int ERANGE = 34;
    public static final int ENAMETOOLONG = 36;
    public static final int ENOSYS = 38;
    public static final int ENOPROTOOPT = 92;
    public static final int EOPNOTSUPP = 95;
    public static final int EADDRINUSE = 98;
    public static final int ECONNRESET = 104;
    public static final int ENOTCONN = 107;
    public static final int ETIMEDOUT = 110;
    public static final int ECONNREFUSED = 111;
    public static final int EDQUOT = 122;

    private Errno() {}

    /** The name of an error number, such as {@code EEXIST}; {@code errno} for one that is not listed. */
    public static String name(int errno) {
        String known = known(errno);
        return known.isEmpty() ? "errno" : known.substring(0, known.indexOf(' '));
    }

    /**
     * Name, number and meaning, such as {@code EEXIST (17, already there)}.
     *
     * @param errno a positive error number
     */
    public static String describe(int errno) {
        String known = known(errno);
        if (known.isEmpty()) {
            return "errno " + errno;
        }
        int space = known.indexOf(' ');
        return known.substring(0, space) + " (" + errno + "," + known.substring(space) + ")";
    }

    private static String known(int errno) {
        return switch (errno) {
            case EPERM -> "EPERM operation not permitted";
            case ENOENT -> "ENOENT no such file, or range not registered";
            case ESRCH -> "ESRCH no such process";
            case EINTR -> "EINTR interrupted";
            case EIO -> "EIO input/output error";
            case ENXIO -> "ENXIO no such device or address";
            case EBADF -> "EBADF bad or closed descriptor";
            case EAGAIN -> "EAGAIN try again";
            case ENOMEM -> "ENOMEM out of memory";
            case EACCES -> "EACCES permission denied";
            case EFAULT -> "EFAULT bad address";
            case EBUSY -> "EBUSY busy";
            case EEXIST -> "EEXIST already there";
            case ENODEV -> "ENODEV no such device";
            case ENOTDIR -> "ENOTDIR not a directory";
            case EISDIR -> "EISDIR is a directory";
            case EINVAL -> "EINVAL invalid argument";
            case ENFILE -> "ENFILE too many open files in the system";
            case EMFILE -> "EMFILE too many open files in this process";
            case ENOTTY -> "ENOTTY not a descriptor of this kind";
            case ETXTBSY -> "ETXTBSY text file busy";
            case EFBIG -> "EFBIG file too large";
            case ENOSPC -> "ENOSPC no space left";
            case ESPIPE -> "ESPIPE not seekable";
            case EROFS -> "EROFS read-only file system";
            case EPIPE -> "EPIPE other end closed";
            case ERANGE -> "ERANGE out of range";
            case ENAMETOOLONG -> "ENAMETOOLONG name too long";
            case ENOSYS -> "ENOSYS no such system call";
            case ENOPROTOOPT -> "ENOPROTOOPT no such socket option";
            case EOPNOTSUPP -> "EOPNOTSUPP not supported";
            case EADDRINUSE -> "EADDRINUSE address in use";
            case ECONNRESET -> "ECONNRESET connection reset";
            case ENOTCONN -> "ENOTCONN not connected";
            case ETIMEDOUT -> "ETIMEDOUT timed out";
            case ECONNREFUSED -> "ECONNREFUSED nobody listens there";
            case EDQUOT -> "EDQUOT quota exceeded";
            default -> "";
        };
    }
}
