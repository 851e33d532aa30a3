package org.heteromem.live;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.heteromem.live.client.PrivateDaemon;
import org.heteromem.live.client.Sockets;
import org.jspecify.annotations.Nullable;

/**
 * A daemon for programs that this one starts, which find it by {@link #socket()} or {@link Options#SOCKET_VARIABLE}. A process of
 * its own with a keeper: killed, it is started again, and its clients notice a pause. Thread-safe.
 *
 * <p>It goes on until it is closed or this process has ended, and then until nobody has memory with it.
 *
 * <pre>{@code
 * try (ProgramDaemon daemon = ProgramDaemon.start(Options.ram("512M").overflow("compressed", "4G"))) {
 *     ProcessBuilder program = new ProcessBuilder("java", "-jar", "app.jar").inheritIO();
 *     program.environment().put(Options.SOCKET_VARIABLE, daemon.socket().toString());
 *     program.start().waitFor();
 * }
 * }</pre>
 */
public final class ProgramDaemon implements AutoCloseable {
    private final Process owner;
    private final PrivateDaemon daemon;

    private ProgramDaemon(Process owner, PrivateDaemon daemon) {
        this.owner = owner;
        this.daemon = daemon;
    }

    /**
     * Starts one that says what happens to a file beside its socket, and returns when it listens.
     *
     * @param options what it is to have; a socket or a name have no meaning
     * @throws UnavailableException if it does not start; with its words
     */
    public static ProgramDaemon start(Options options) {
        return begin(options, null);
    }

    /**
     * Starts one, and returns when it listens.
     *
     * @param options what it is to have; a socket or a name have no meaning
     * @param words the file for what it says
     * @throws UnavailableException if it does not start
     */
    public static ProgramDaemon start(Options options, Path words) {
        return begin(options, words);
    }

    private static ProgramDaemon begin(Options options, @Nullable Path words) {
        Process owner = startOwner();
        boolean started = false;
        try {
            PrivateDaemon daemon = PrivateDaemon.start(options, Sockets.ofThisProcess(), owner.pid(), words);
            daemon.connect().close();
            started = true;
            return new ProgramDaemon(owner, daemon);
        } finally {
            if (!started) {
                owner.destroyForcibly();
            }
        }
    }

    /** Something whose end the daemon sees: it ends when this process does, however that is, and when it is told to. */
    private static Process startOwner() {
        try {
            // A Ctrl-C is for the program, which may want to go on.
            return new ProcessBuilder("sh", "-c", "trap '' INT QUIT HUP TERM; exec cat")
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) {
            throw new UnavailableException("cannot start 'sh', with which a daemon would end: " + e.getMessage(), e);
        }
    }

    /** Where it listens. */
    public Path socket() {
        return daemon.socket();
    }

    /** What it has said so far about lost pages, a line each; nothing if it says that to a file that was named. */
    public List<String> losses() {
        return daemon.losses();
    }

    /** Lets it end, and waits for that; not for clients that stay, which it goes on to serve. */
    @Override
    public void close() {
        try {
            owner.getOutputStream().close();
            if (!owner.waitFor(1, TimeUnit.SECONDS)) {
                owner.destroyForcibly();
            }
        } catch (IOException e) {
            owner.destroyForcibly();
        } catch (InterruptedException e) {
            owner.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        daemon.awaitEnd();
    }
}
