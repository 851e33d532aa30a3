package org.heteromem.live.natives;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a process can arrange for itself, and what it is to the kernel. */
public final class Processes {
    private static final int PRIO_PROCESS = 0;

    private Processes() {}

    /**
     * Makes the calling process the leader of a session of its own, so that a terminal's interrupt does not reach it.
     *
     * @throws NativeException EPERM if it leads a process group already
     */
    public static void startSession() {
        Platform.require();
        int r = Calls.setsid();
        if (r < 0) {
            throw new NativeException("setsid", "", -r);
        }
    }

    /**
     * Lets threads of the calling process give way to others (Linux: nice is a thread's own).
     *
     * @param prefix how their names begin, as the kernel knows them: 15 bytes at most
     * @param nice from 0 to 19; only a privileged process can take back what it gave
     * @throws IOException if the threads cannot be listed
     * @throws NativeException as {@code setpriority(2)} fails
     */
    public static void giveWay(String prefix, int nice) throws IOException {
        Platform.require();
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (Path thread : threads) {
                int number = Integer.parseInt(thread.getFileName().toString());
                if (name(thread).startsWith(prefix)) {
                    int r = Calls.setpriority(PRIO_PROCESS, number, nice);
                    if (r < 0 && r != -Errno.ESRCH) {
                        throw new NativeException("setpriority", "thread=" + number + " nice=" + nice, -r);
                    }
                }
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
    }

    private static String name(Path thread) {
        try {
            return Files.readString(thread.resolve("comm"));
        } catch (IOException _) {
            return ""; // it has just ended, in the middle of this perhaps: then it is ESRCH
        }
    }

    /** The user id that the kernel checks rights for. 0 is root. */
    public static int effectiveUserId() {
        Platform.require();
        return Calls.geteuid();
    }

    /** Bytes of a page. */
    public static int pageBytes() {
        Platform.require();
        return Calls.getpagesize();
    }
}
