package org.heteromem.live.natives;

import java.lang.foreign.Arena;

/**
 * Anonymous shared memory as a file ({@code memfd_create}): where the RAM pages of a live region are.
 *
 * <p>Client and daemon both hold it. A region must be sealed before a daemon takes it: {@link #SEAL_SHRINK}, since a file
 * that shrinks under a mapping kills the process that reads it; {@link #SEAL_GROW}, so that the limits that were checked
 * stay true; {@link #SEAL_SEAL}, so that nobody adds {@link #SEAL_WRITE} later, under which nothing can be evicted.
 */
public final class Memfd extends NativeFile {
    /** No further seals. */
    public static final int SEAL_SEAL = 1;
    /** The file cannot become shorter. */
    public static final int SEAL_SHRINK = 2;
    /** The file cannot become longer. */
    public static final int SEAL_GROW = 4;
    /** Nobody can write, nor punch holes. */
    public static final int SEAL_WRITE = 8;
    /** Nobody can map it for writing from now on; existing mappings go on. */
    public static final int SEAL_FUTURE_WRITE = 16;

    /** The seals of a region that client and daemon share. */
    public static final int REGION_SEALS = SEAL_SEAL | SEAL_SHRINK | SEAL_GROW;

    private static final int MFD_CLOEXEC = 1;
    private static final int MFD_ALLOW_SEALING = 2;
    private static final int MFD_NOEXEC_SEAL = 8;
    private static final int F_ADD_SEALS = 1033;
    private static final int F_GET_SEALS = 1034;

    /** Seal that {@code MFD_NOEXEC_SEAL} brings by itself, since Linux 6.3. */
    private static final int SEAL_EXEC = 32;

    private Memfd(Fd fd, String what) {
        super(fd, what);
    }

    /**
     * Creates one of a given length, all hole, without seals but for the one against execution.
     *
     * @param name shown in {@code /proc}; at most 249 bytes
     * @param bytes length, zero or more
     * @throws NativeException as {@code memfd_create} or {@code ftruncate} fails
     */
    public static Memfd create(String name, long bytes) {
        Platform.require();
        if (bytes < 0) {
            throw new IllegalArgumentException("length " + bytes + " of memfd '" + name + "' is negative");
        }
        try (Arena arena = Arena.ofConfined()) {
            int number = Calls.memfdCreate(arena.allocateFrom(name), MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
            if (number == -Errno.EINVAL) { // before Linux 6.3
                number = Calls.memfdCreate(arena.allocateFrom(name), MFD_CLOEXEC | MFD_ALLOW_SEALING);
            }
            if (number < 0) {
                throw new NativeException("memfd_create", "name='" + name + "'", -number);
            }
            Memfd memory = new Memfd(Fd.own(number, "memfd " + name), "memfd '" + name + "'");
            try {
                memory.truncate(bytes);
            } catch (NativeException e) {
                memory.close();
                throw e;
            }
            return memory;
        }
    }

    /**
     * Takes a memfd that a predecessor of this process has made.
     *
     * @param fd a memfd; owned by the result
     * @param what for messages
     */
    public static Memfd adopt(Fd fd, String what) {
        return new Memfd(fd, what);
    }

    /**
     * Takes a descriptor that a stranger has sent, if it is a memfd of ordinary pages that carries exactly {@link
     * #REGION_SEALS}.
     *
     * @param fd the descriptor; owned by the result, and by the caller still when this throws
     * @param what for messages, such as {@code region 3 of client 17}
     * @param pageBytes the page size that the file must have
     * @throws IllegalArgumentException if it is no memfd, lacks a seal, has one too many, or has other pages; says which
     */
    public static Memfd adoptRegion(Fd fd, String what, int pageBytes) {
        Memfd memory = new Memfd(fd, what);
        int seals;
        try {
            seals = memory.seals();
        } catch (NativeException e) {
            throw new IllegalArgumentException(
                    what + ": the descriptor sent as its memory is '" + fd.target() + "', not a memfd", e);
        }
        if ((seals & ~SEAL_EXEC) != REGION_SEALS) {
            throw new IllegalArgumentException(
                    what + ": its memfd has the seals " + sealNames(seals) + ", needed are " + sealNames(REGION_SEALS));
        }
        int blockBytes = memory.status().blockBytes();
        if (blockBytes != pageBytes) {
            throw new IllegalArgumentException(what + ": its memfd has pages of " + blockBytes + " bytes, needed are "
                    + pageBytes + " (huge pages are not supported)");
        }
        return memory;
    }

    /**
     * Adds seals, for good.
     *
     * @throws NativeException EPERM after {@link #SEAL_SEAL}, EBUSY for {@link #SEAL_WRITE} while mapped for writing
     */
    public void addSeals(int seals) {
        int number = fd.borrow("fcntl(F_ADD_SEALS)");
        try {
            check(Calls.fcntl(number, F_ADD_SEALS, seals), "fcntl(F_ADD_SEALS) " + sealNames(seals), 0, 0);
        } finally {
            fd.giveBack();
        }
    }

    /** The seals it carries, bits of the constants of this class (and maybe others that newer kernels add). */
    public int seals() {
        int number = fd.borrow("fcntl(F_GET_SEALS)");
        try {
            int seals = Calls.fcntl(number, F_GET_SEALS, 0);
            check(seals, "fcntl(F_GET_SEALS)", 0, 0);
            return seals;
        } finally {
            fd.giveBack();
        }
    }

    /** The names of seals, such as {@code SEAL|SHRINK}; {@code none} for 0. */
    public static String sealNames(int seals) {
        StringBuilder names = new StringBuilder();
        String[] known = {"SEAL", "SHRINK", "GROW", "WRITE", "FUTURE_WRITE", "EXEC"};
        for (int bit = 0; bit < known.length; bit++) {
            if ((seals >> bit & 1) != 0) {
                names.append(names.isEmpty() ? "" : "|").append(known[bit]);
            }
        }
        int rest = seals >>> known.length << known.length;
        if (rest != 0) {
            names.append(names.isEmpty() ? "0x" : "|0x").append(Integer.toHexString(rest));
        }
        return names.isEmpty() ? "none" : names.toString();
    }
}
