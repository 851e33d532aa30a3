package org.heteromem.live.natives;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Set;

/**
 * A file by positions: read, write, allocate, punch, and ask where data is. Offsets and lengths are in bytes.
 *
 * <p>Unlike {@code FileChannel} it can open with {@code O_DIRECT}, allocate and punch, and does not copy through
 * temporary buffers. Thread-safe: no call uses the file position, except {@link #nextData} and {@link #nextHole}, which
 * move it and which nobody else here looks at.
 */
public sealed class NativeFile implements AutoCloseable permits Memfd {
    /** How {@link #open} opens. */
    public enum Access {
        /** For reading; together with {@link #WRITE} for both. */
        READ,
        /** For writing. */
        WRITE,
        /** Create it if absent, with rights for its owner only. */
        CREATE,
        /** Fail if it exists; needs {@link #CREATE}. */
        EXCLUSIVE,
        /** Past the page cache: offsets, lengths and addresses must be multiples of {@link Status#blockBytes()}. */
        DIRECT,
        /** Each write is on the medium when it returns. */
        DSYNC
    }

    /**
     * What {@code statx} says.
     *
     * @param device number of the file system's device, major in the upper 32 bits
     * @param inode number of the file in it; both together are its identity
     * @param sizeBytes length
     * @param allocatedBytes what it really holds: of a memfd, its RAM
     * @param blockBytes preferred size and alignment of I/O; of a memfd, its page size
     * @param ownerId user id of the owner
     * @param mode type and permission bits
     */
    public record Status(
            long device, long inode, long sizeBytes, long allocatedBytes, int blockBytes, int ownerId, int mode) {}

    private static final int O_WRONLY = 1;
    private static final int O_RDWR = 2;
    private static final int O_CREAT = 0x40;
    private static final int O_EXCL = 0x80;
    private static final int O_DSYNC = 0x1000;
    private static final int O_CLOEXEC = 0x80000;

    private static final int FALLOC_KEEP_SIZE = 1;
    private static final int FALLOC_PUNCH_HOLE = 2;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;

    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BASIC = 0x7ff;

    final Fd fd;
    private final String what;

    NativeFile(Fd fd, String what) {
        this.fd = fd;
        this.what = what;
    }

    /**
     * Opens a file.
     *
     * @throws NativeException as {@code open(2)} fails; EINVAL with {@link Access#DIRECT} means that the file system has
     *     no direct I/O
     */
    public static NativeFile open(Path path, Set<Access> access) {
        Platform platform = Platform.require();
        boolean write = access.contains(Access.WRITE);
        int flags = O_CLOEXEC | (!write ? 0 : access.contains(Access.READ) ? O_RDWR : O_WRONLY);
        flags |= access.contains(Access.CREATE) ? O_CREAT : 0;
        flags |= access.contains(Access.EXCLUSIVE) ? O_EXCL : 0;
        flags |= access.contains(Access.DIRECT) ? platform.oDirect() : 0;
        flags |= access.contains(Access.DSYNC) ? O_DSYNC : 0;
        try (Arena arena = Arena.ofConfined()) {
            int number;
            do {
                number = Calls.open(arena.allocateFrom(path.toString()), flags, 0600);
            } while (number == -Errno.EINTR);
            if (number < 0) {
                throw new NativeException("open", path + " " + access, -number);
            }
            return new NativeFile(Fd.own(number, path.toString()), path.toString());
        }
    }

    /** The descriptor; closing it closes this. */
    public final Fd fd() {
        return fd;
    }

    /** Identity, length and allocated bytes. */
    public final Status status() {
        MemorySegment s = Scratch.get().arguments;
        int number = fd.borrow("statx");
        try (Arena arena = Arena.ofConfined()) {
            check(Calls.statx(number, arena.allocateFrom(""), AT_EMPTY_PATH, STATX_BASIC, s.address()), "statx", 0, 0);
        } finally {
            fd.giveBack();
        }
        // struct statx: blksize 4, uid 20, mode 28, ino 32, size 40, blocks (of 512) 48, dev_major 136, dev_minor 140
        long device = (long) s.get(ValueLayout.JAVA_INT, 136) << 32 | (s.get(ValueLayout.JAVA_INT, 140) & 0xffff_ffffL);
        return new Status(
                device,
                s.get(ValueLayout.JAVA_LONG, 32),
                s.get(ValueLayout.JAVA_LONG, 40),
                s.get(ValueLayout.JAVA_LONG, 48) * 512,
                s.get(ValueLayout.JAVA_INT, 4),
                s.get(ValueLayout.JAVA_INT, 20),
                s.get(ValueLayout.JAVA_SHORT, 28) & 0xffff);
    }

    /** Sets the length; what lies beyond is gone, what is new reads as zero. */
    public final void truncate(long bytes) {
        int number = fd.borrow("ftruncate");
        try {
            check(Calls.ftruncate(number, bytes), "ftruncate", 0, bytes);
        } finally {
            fd.giveBack();
        }
    }

    /**
     * Makes room for a range now, so that writing it later cannot meet a full disk; grows the file if needed.
     *
     * @throws NativeException ENOSPC when there is no room, EOPNOTSUPP where the file system cannot
     */
    public final void preallocate(long offset, long bytes) {
        allocate("fallocate", 0, offset, bytes);
    }

    /** Frees a range: it reads as zero afterwards, and of a memfd every mapping of it is dropped. The length stays. */
    public final void punchHole(long offset, long bytes) {
        allocate("fallocate(PUNCH_HOLE)", FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, offset, bytes);
    }

    private void allocate(String call, int mode, long offset, long bytes) {
        int number = fd.borrow(call);
        try {
            int r;
            do {
                r = Calls.fallocate(number, mode, offset, bytes);
            } while (r == -Errno.EINTR);
            check(r, call, offset, bytes);
        } finally {
            fd.giveBack();
        }
    }

    /**
     * Offset of the first byte of data at or after {@code offset}.
     *
     * @return an offset, or -1 when only a hole follows. Of a memfd, data is what RAM really holds.
     */
    public final long nextData(long offset) {
        return seek("lseek(SEEK_DATA)", offset, SEEK_DATA);
    }

    /**
     * Offset of the first hole at or after {@code offset}; the end of the file counts as one.
     *
     * @return an offset, or -1 when {@code offset} is at or past the end
     */
    public final long nextHole(long offset) {
        return seek("lseek(SEEK_HOLE)", offset, SEEK_HOLE);
    }

    private long seek(String call, long offset, int whence) {
        int number = fd.borrow(call);
        try {
            long r = Calls.lseek(number, offset, whence);
            if (r == -Errno.ENXIO) {
                return -1;
            }
            check(r, call, offset, 0);
            return r;
        } finally {
            fd.giveBack();
        }
    }

    /**
     * Reads until {@code to} is full.
     *
     * @throws NativeException as {@code pread} fails
     * @throws IllegalStateException if the file ends before; the message says where
     */
    public final void read(long offset, MemorySegment to) {
        transfer("pread", offset, to);
    }

    /**
     * Writes all of {@code from}.
     *
     * @throws NativeException as {@code pwrite} fails, such as ENOSPC
     */
    public final void write(long offset, MemorySegment from) {
        transfer("pwrite", offset, from);
    }

    /**
     * One {@code pread}, without an exception.
     *
     * @return bytes read, 0 at the end of the file, or minus errno
     */
    public final long tryRead(long offset, MemorySegment to) {
        int number = fd.tryBorrow();
        if (number < 0) {
            return number;
        }
        try {
            return Calls.pread(number, to, to.byteSize(), offset);
        } finally {
            fd.giveBack();
        }
    }

    /**
     * One {@code pwrite}, without an exception.
     *
     * @return bytes written, or minus errno
     */
    public final long tryWrite(long offset, MemorySegment from) {
        int number = fd.tryBorrow();
        if (number < 0) {
            return number;
        }
        try {
            return Calls.pwrite(number, from, from.byteSize(), offset);
        } finally {
            fd.giveBack();
        }
    }

    private void transfer(String call, long offset, MemorySegment segment) {
        boolean reading = call.equals("pread");
        long size = segment.byteSize();
        for (long done = 0; done < size; ) {
            MemorySegment rest = done == 0 ? segment : segment.asSlice(done);
            long r = reading ? tryRead(offset + done, rest) : tryWrite(offset + done, rest);
            if (r == -Errno.EINTR) {
                continue;
            }
            check(r, call, offset + done, size - done);
            if (r == 0) {
                throw new IllegalStateException(call + " of " + what + " stopped at offset " + (offset + done) + ", "
                        + (size - done) + " bytes short: the file ends there");
            }
            done += r;
        }
    }

    final void check(long result, String call, long offset, long bytes) {
        if (result < 0) {
            throw new NativeException(call, what + " " + fd + " offset=" + offset + " length=" + bytes, (int) -result);
        }
    }

    @Override
    public final void close() {
        fd.close();
    }

    @Override
    public String toString() {
        return what + " " + fd;
    }
}
