package org.heteromem.cli.daemon;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.heteromem.cli.BadInputException;
import org.heteromem.live.daemon.Daemon;
import org.heteromem.live.natives.Processes;
import org.heteromem.live.natives.UnixSocket;

/** Makes sure that a daemon may listen at a path, and says why it may not. */
final class DaemonSocket {
    /** Its keeper's socket is beside it. */
    private static final int MAX_BYTES = UnixSocket.MAX_PATH_BYTES - Daemon.KEEPER_SUFFIX.length();

    private static final int FORMAT_SHIFT = 12;
    private static final int FORMAT_SOCKET = 0xC;

    private DaemonSocket() {}

    /**
     * Checks, and makes the folder of the socket if it is missing, for this user alone.
     *
     * @throws BadInputException if no daemon can ever listen there
     * @throws DaemonFailedException if something is there already
     */
    static void prepare(Path socket) {
        int length = socket.toString().getBytes(StandardCharsets.UTF_8).length;
        if (length > MAX_BYTES) {
            throw new BadInputException("--socket: the path has " + length + " bytes, and a daemon's at most "
                    + MAX_BYTES + ": choose a shorter one than " + socket);
        }
        try {
            Path folder = socket.getParent();
            if (folder != null && !Files.exists(folder)) {
                Files.createDirectories(
                        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            }
            if (folder != null) {
                requireOwner(folder, "the folder ");
            }
            requireFreeOrOurs(socket);
            requireFreeOrOurs(Path.of(socket + Daemon.KEEPER_SUFFIX));
        } catch (IOException e) {
            throw new DaemonFailedException("cannot listen at " + socket + ": " + e, e);
        }
    }

    private static void requireFreeOrOurs(Path socket) throws IOException {
        if (Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
            requireOwner(socket, "");
            requireSocket(socket);
        }
    }

    /** Folders of everybody, such as /tmp, are root's and fine: it is the socket that must be this user's. */
    private static void requireOwner(Path path, String what) throws IOException {
        Map<String, Object> is = Files.readAttributes(path, "unix:uid,isSymbolicLink", LinkOption.NOFOLLOW_LINKS);
        int user = Processes.effectiveUserId();
        boolean ours = Integer.valueOf(user).equals(is.get("uid"));
        boolean system = Integer.valueOf(0).equals(is.get("uid")) && Files.isDirectory(path);
        if (!ours && !system) {
            throw new DaemonFailedException("cannot listen: " + what + path + " belongs to user id " + is.get("uid")
                    + ", not to " + user + ": choose another path with --socket");
        }
    }

    /** Whether a daemon listens there already, its keeper knows. */
    private static void requireSocket(Path socket) throws IOException {
        int mode = (Integer) Files.getAttribute(socket, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        if (mode >> FORMAT_SHIFT != FORMAT_SOCKET) {
            throw new BadInputException("--socket: " + socket + " is there, and is no socket");
        }
    }
}
