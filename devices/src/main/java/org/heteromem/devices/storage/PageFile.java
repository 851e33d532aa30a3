package org.heteromem.devices.storage;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import org.heteromem.core.Page;
import org.jspecify.annotations.Nullable;

/**
 * The file behind a {@link FileStore}: its first page says that it is ours, pages follow. Opened for direct input and output
 * where the file system knows it, as these bytes were in RAM a moment ago and had to leave it. An interrupt closes a channel
 * of the JDK; here that costs a reopening and nothing else, as whoever was interrupted only touched memory. Thread-safe.
 *
 * <p>What is in it was memory, so it is for its user alone: the file is made so, and one that is there already is taken only
 * if it belongs to this user, is closed to others, and is no link to somewhere else.
 */
final class PageFile implements Medium {
    /** Bytes in front of the first page. */
    static final int FRONT_BYTES = Page.SIZE;

    private static final byte[] MARK = "Heteromem overflow file. It means nothing without the process that writes it.\n"
            .getBytes(StandardCharsets.US_ASCII);

    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rw-------");
    /** Belongs to whoever looks at it, where there is such a thing. */
    private static final Path THIS_PROCESS = Path.of("/proc/self");

    private final Path path;
    private final boolean direct;
    private volatile FileChannel channel;
    private @Nullable Object identity;
    private volatile boolean closed;

    private PageFile(Path path, FileChannel channel, boolean direct) {
        this.path = path;
        this.channel = channel;
        this.direct = direct;
    }

    /** {@return whether the system keeps no copy of these bytes in RAM} */
    boolean direct() {
        return direct;
    }

    /**
     * Opens the file and makes it as long as it has to be.
     *
     * @throws StorageIoException if that cannot be, saying why and what to do
     */
    static PageFile open(String store, Path path, long bytes) {
        PageFile file = null;
        try {
            boolean direct = openable(path);
            file = new PageFile(path, channel(path, direct, true), direct);
            file.lock();
            file.claim();
            file.reserve(bytes);
            return file;
        } catch (IOException e) {
            closeAfter(file, e);
            throw new StorageIoException(store, 0, "cannot use the file " + path + ": " + reason(e), e);
        }
    }

    private static void closeAfter(@Nullable PageFile file, IOException failure) {
        if (file != null) {
            try {
                file.close();
            } catch (IOException e) {
                failure.addSuppressed(e);
            }
        }
    }

    private static String reason(IOException e) {
        if (e instanceof NoSuchFileException) {
            return "its directory does not exist; make it, or name another";
        }
        if (e instanceof AccessDeniedException) {
            return "permission denied; make it writable for this user, or name another";
        }
        String said = e instanceof FileSystemException fs && fs.getReason() != null ? fs.getReason() : e.getMessage();
        return said + (String.valueOf(said).contains("Read-only") ? "; name a file on a disk that can be written" : "");
    }

    /** {@return whether direct input and output is possible} */
    private static boolean openable(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            throw new IOException("it is a directory; name a file in it");
        }
        if (Files.isSymbolicLink(path)) {
            throw new IOException("it is a symbolic link; name the file itself");
        }
        try (FileChannel _ = channel(path, true, true)) {
            return Files.getFileStore(path).getBlockSize() <= PageStore.ALIGNMENT;
        } catch (UnsupportedOperationException | FileSystemException _) {
            // Not here; if the file cannot be opened at all, opening it plainly says why.
            return false;
        }
    }

    private static FileChannel channel(Path path, boolean direct, boolean create) throws IOException {
        Set<OpenOption> options =
                new HashSet<>(Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS));
        if (direct) {
            options.add(directOption());
        }
        if (create) {
            options.add(StandardOpenOption.CREATE);
        }
        if (!hasOwners(path)) {
            return FileChannel.open(path, options);
        }
        FileAttribute<?> rights = PosixFilePermissions.asFileAttribute(OWNER_ONLY);
        return FileChannel.open(path, options, rights);
    }

    private static boolean hasOwners(Path path) {
        return path.getFileSystem().supportedFileAttributeViews().contains("posix");
    }

    /** Whoever has made the file, or may read it, would have everything that is ever in it. */
    private void requireOurs() throws IOException {
        if (!hasOwners(path)) {
            return;
        }
        PosixFileAttributes is = Files.readAttributes(path, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        UserPrincipal self = self(path);
        if (!is.owner().equals(self)) {
            throw new IOException("it is there and belongs to user "
                    + is.owner().getName() + ", not to " + self.getName() + "; name another");
        }
        if (!is.isRegularFile()) {
            throw new IOException("it is no ordinary file; name another");
        }
        if (!OWNER_ONLY.containsAll(is.permissions())) {
            throw new IOException("it is there and others have rights on it ("
                    + PosixFilePermissions.toString(is.permissions()) + "); remove it, or take those rights away");
        }
    }

    private static UserPrincipal self(Path path) throws IOException {
        return Files.exists(THIS_PROCESS)
                ? Files.getOwner(THIS_PROCESS)
                : path.getFileSystem()
                        .getUserPrincipalLookupService()
                        .lookupPrincipalByName(System.getProperty("user.name"));
    }

    /** The option is the JDK's own and in no standard: it is asked for by name, so that a JDK without it will do. */
    private static OpenOption directOption() {
        try {
            for (Object option :
                    Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants()) {
                if (option instanceof OpenOption open && option.toString().equals("DIRECT")) {
                    return open;
                }
            }
        } catch (ClassNotFoundException e) {
            throw new UnsupportedOperationException("this JDK does no direct input and output", e);
        }
        throw new UnsupportedOperationException("this JDK does no direct input and output");
    }

    private void lock() throws IOException {
        try {
            if (channel.tryLock() == null) {
                throw new IOException("another process uses it");
            }
        } catch (OverlappingFileLockException e) {
            throw new IOException("another device of this process uses it", e);
        }
    }

    private static ByteBuffer aligned() {
        return ByteBuffer.allocateDirect(2 * FRONT_BYTES)
                .alignedSlice(FRONT_BYTES)
                .limit(FRONT_BYTES);
    }

    /** Whatever else the file is, it is not ours to overwrite. */
    private void claim() throws IOException {
        ByteBuffer front = aligned();
        if (channel.size() > 0) {
            channel.read(front, 0);
            front.flip();
            byte[] found = new byte[Math.min(MARK.length, front.remaining())];
            front.get(found);
            if (!Arrays.equals(found, MARK)) {
                throw new IOException("it exists and holds something else; remove it yourself, or name another");
            }
        }
        requireOurs();
        identity = identity();
        if (channel.size() > 0) {
            return;
        }
        front.put(MARK).position(0);
        write(front, 0);
    }

    private void reserve(long bytes) throws IOException {
        long missing = FRONT_BYTES + bytes - channel.size();
        if (missing <= 0) {
            return;
        }
        long usable = Files.getFileStore(path).getUsableSpace();
        if (usable < missing) {
            throw new IOException("its disk has " + usable + " bytes free and " + missing
                    + " are needed; make the device smaller, or name a file on another disk");
        }
        ByteBuffer last = aligned();
        write(last, bytes);
    }

    /** One call on a channel. */
    @FunctionalInterface
    private interface Step {
        /** {@return how many bytes went, or less than 0 at the end of the file} */
        int run(FileChannel channel) throws IOException;
    }

    private int withChannel(Step step) throws IOException {
        boolean interrupted = false;
        try {
            for (; ; ) {
                FileChannel mine = channel;
                try {
                    return step.run(mine);
                } catch (ClosedChannelException e) {
                    if (closed) {
                        throw e;
                    }
                    interrupted |= Thread.interrupted();
                    reopen(mine);
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private synchronized void reopen(FileChannel broken) throws IOException {
        if (channel == broken && !closed) {
            FileChannel again = channel(path, direct, false);
            if (!Objects.equals(identity, identity())) {
                again.close();
                throw new IOException(path + " is another file now than it was");
            }
            channel = again;
            lock();
        }
    }

    /** Which file it is, or null where files have no such thing. */
    private @Nullable Object identity() throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .fileKey();
    }

    @Override
    public void read(ByteBuffer buffer, long position) throws IOException {
        int start = buffer.position();
        while (buffer.hasRemaining()) {
            int n = withChannel(c -> c.read(buffer, position + (buffer.position() - start)));
            if (n < 0) {
                throw new EOFException("the file ends before position " + (position + buffer.limit() - start));
            }
        }
    }

    @Override
    public void write(ByteBuffer buffer, long position) throws IOException {
        int start = buffer.position();
        while (buffer.hasRemaining()) {
            withChannel(c -> c.write(buffer, position + (buffer.position() - start)));
        }
    }

    @Override
    public synchronized void close() throws IOException {
        closed = true;
        channel.close();
    }
}
