package org.heteromem.live.client;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.heteromem.live.UnavailableException;
import org.heteromem.live.daemon.Daemon;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.Processes;
import org.heteromem.live.natives.UnixSocket;

/**
 * Where the sockets of daemons are: in a directory that is this user's alone.
 *
 * <pre>
 *   $XDG_RUNTIME_DIR/heteromem/                 or, where there is none, /tmp/heteromem-UID/
 *     daemon.sock                               the daemon of this user
 *     private-PID-RANDOM/                       a daemon that the program PID has started, for itself or for others
 *       daemon.sock
 *       daemon.log
 *     lost-PID-RANDOM.log                       what was said of the last programs that lost pages
 * </pre>
 */
public final class Sockets {
    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rwx------");
    private static final String SOCKET = "daemon.sock";
    private static final String PRIVATE = "private-";
    private static final String KEPT = "lost-";
    private static final String LOG_ENDING = ".log";
    private static final int MOST_KEPT = 8;

    private final Map<String, String> environment;
    private final Path temporary;

    /**
     * @param environment variables of this process
     * @param temporary used where there is no runtime directory; short, since a socket's path has at most 107 bytes
     */
    public Sockets(Map<String, String> environment, Path temporary) {
        this.environment = environment;
        this.temporary = temporary;
    }

    /** Those of this process. */
    public static Sockets ofThisProcess() {
        return new Sockets(System.getenv(), Path.of("/tmp"));
    }

    /** Where this user's daemon listens unless told otherwise. */
    public Path defaultSocket() {
        return directory().resolve(SOCKET);
    }

    private Path directory() {
        String runtime = environment.getOrDefault("XDG_RUNTIME_DIR", "");
        // Relative paths are invalid there, by the specification.
        return runtime.startsWith("/") && Files.isDirectory(Path.of(runtime))
                ? Path.of(runtime, "heteromem")
                : temporary.resolve("heteromem-" + Processes.effectiveUserId());
    }

    /**
     * Makes a directory for a private daemon, and clears away those of programs that are no more.
     *
     * @throws UnavailableException if it cannot be made, or what is there belongs to somebody else
     */
    Path newPrivateDirectory() {
        Path base = directory();
        try {
            try {
                Files.createDirectory(base, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
            } catch (FileAlreadyExistsException e) {
                requireOurs(base);
            }
            sweep(base);
            return Files.createTempDirectory(
                    base,
                    PRIVATE + ProcessHandle.current().pid() + "-",
                    PosixFilePermissions.asFileAttribute(OWNER_ONLY));
        } catch (IOException e) {
            throw new UnavailableException(
                    "cannot make a directory for a private daemon in " + base + ": " + e
                            + "; set XDG_RUNTIME_DIR to a directory of your own",
                    e);
        }
    }

    /** In a directory that others may write to, somebody may have been faster. */
    private static void requireOurs(Path base) throws IOException {
        Map<String, Object> is = Files.readAttributes(base, "unix:uid,isDirectory", LinkOption.NOFOLLOW_LINKS);
        if (!Boolean.TRUE.equals(is.get("isDirectory"))
                || !Integer.valueOf(Processes.effectiveUserId()).equals(is.get("uid"))) {
            throw new UnavailableException(base + " is no directory of this user (its owner has id " + is.get("uid")
                    + "); remove it, or set XDG_RUNTIME_DIR to a directory of your own");
        }
        Files.setPosixFilePermissions(base, OWNER_ONLY);
    }

    private static void sweep(Path base) throws IOException {
        try (Stream<Path> all = Files.list(base)) {
            for (Path directory : (Iterable<Path>) all::iterator) {
                Optional<Long> owner = programOf(directory.getFileName().toString());
                if (owner.isPresent() && ProcessHandle.of(owner.get()).isEmpty() && !isServed(directory)) {
                    try {
                        remove(directory);
                    } catch (IOException _) {
                        // What another program has left keeps nobody from starting; the next one tries again.
                    }
                }
            }
        }
    }

    /** Where daemons of this user are: its own one first, then those of single programs, as far as they have a socket. */
    public List<Path> all() {
        List<Path> found = new ArrayList<>();
        Path own = defaultSocket();
        if (Files.exists(own)) {
            found.add(own);
        }
        try (Stream<Path> directories = Files.list(directory())) {
            directories
                    .filter(directory ->
                            programOf(directory.getFileName().toString()).isPresent())
                    .map(Sockets::socketIn)
                    .filter(Files::exists)
                    .sorted()
                    .forEach(found::add);
        } catch (NoSuchFileException _) {
            // Nobody has had one yet.
            return found;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot look for daemons in " + directory(), e);
        }
        return found;
    }

    /** A daemon may have clients that outlive who has started it. */
    static boolean isServed(Path directory) {
        Path socket = socketIn(directory);
        if (!Files.exists(socket)) {
            return false;
        }
        try (UnixSocket _ = UnixSocket.connect(socket)) {
            return true;
        } catch (NativeException e) {
            return false;
        }
    }

    private static Optional<Long> programOf(String name) {
        String[] parts = name.split("-", -1);
        return parts.length == 3 && name.startsWith(PRIVATE) && parts[1].matches("[0-9]{1,10}")
                ? Optional.of(Long.valueOf(parts[1]))
                : Optional.empty();
    }

    /** Deletes a private directory, and keeps what its daemon has said if pages were lost: nobody else knows which. */
    static void remove(Path directory) throws IOException {
        Path log = logIn(directory);
        try {
            if (Files.isRegularFile(log)
                    && Files.readString(log, StandardCharsets.ISO_8859_1).contains(Daemon.LOST)) {
                Path base = directory.resolveSibling(
                        directory.getFileName().toString().replaceFirst(PRIVATE, KEPT) + LOG_ENDING);
                Files.move(log, base, StandardCopyOption.REPLACE_EXISTING);
                forgetOldest(Objects.requireNonNull(directory.getParent()));
            }
        } catch (NoSuchFileException _) {
            // Another program sweeps too, and was faster.
            return;
        }
        delete(directory);
    }

    private static void forgetOldest(Path base) throws IOException {
        List<Path> kept;
        try (Stream<Path> all = Files.list(base)) {
            kept = all.filter(file -> file.getFileName().toString().startsWith(KEPT))
                    .sorted(Comparator.comparingLong(
                            (Path file) -> file.toFile().lastModified()))
                    .toList();
        }
        for (Path old : kept.subList(0, Math.max(0, kept.size() - MOST_KEPT))) {
            Files.deleteIfExists(old);
        }
    }

    static Path logIn(Path directory) {
        return directory.resolve("daemon" + LOG_ENDING);
    }

    /**
     * Deletes a private directory, if it is still there: other programs sweep too.
     *
     * @return whether it was
     */
    static boolean delete(Path directory) throws IOException {
        boolean was = false;
        // Also what libraries of the daemon have unpacked there.
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : (Iterable<Path>) files.sorted(Comparator.reverseOrder())::iterator) {
                // The directory itself is the last.
                was = Files.deleteIfExists(file);
            }
        } catch (NoSuchFileException _) {
            return false;
        } catch (UncheckedIOException e) {
            if (e.getCause() instanceof NoSuchFileException) { // gone while it was walked through
                return false;
            }
            throw e.getCause();
        }
        return was;
    }

    /** Where a private daemon with such a directory listens. */
    static Path socketIn(Path directory) {
        return directory.resolve(SOCKET);
    }
}
