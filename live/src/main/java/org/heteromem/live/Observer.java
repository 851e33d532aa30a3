package org.heteromem.live;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.heteromem.live.client.ControlChannel;
import org.heteromem.live.client.Reply;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.Processes;
import org.heteromem.live.natives.UnixSocket;
import org.heteromem.live.wire.Hello;
import org.heteromem.live.wire.MessageType;
import org.heteromem.live.wire.Query;

/**
 * Looks at a running daemon without having memory with it: what {@code heteromem status}, {@code top} and {@code smaps}
 * show. Works on Linux where live mode itself does not. Thread-safe.
 *
 * <pre>{@code
 * try (Observer observer = Observer.connect(Heteromem.defaultSocket())) {
 *     observer.status().subjects().forEach(System.out::println);
 * }
 * }</pre>
 */
public final class Observer implements AutoCloseable {
    private static final int PATIENCE_SECONDS = 20;

    private final ControlChannel channel;
    private final Reply.Limits limits;

    private Observer(ControlChannel channel, Reply.Limits limits) {
        this.channel = channel;
        this.limits = limits;
    }

    /**
     * Connects.
     *
     * @param socket where the daemon listens
     * @throws UnavailableException if none does
     * @throws RefusedException if it does not want to be looked at
     */
    public static Observer connect(Path socket) {
        ControlChannel channel;
        try {
            channel = new ControlChannel(UnixSocket.connect(socket));
        } catch (NativeException e) {
            throw new UnavailableException(
                    "there is no daemon at " + socket + " (" + e.getMessage() + "); start one with: heteromem daemon",
                    e);
        } catch (IllegalArgumentException e) {
            throw new UnavailableException("there can be no daemon at " + socket + ": " + e.getMessage(), e);
        }
        boolean done = false;
        try {
            Reply reply = await(
                    channel.ask((buffer, correlation) -> new Hello()
                            .encode(buffer, correlation, Hello.Role.OBSERVER, 0, Processes.pageBytes(), "observer")),
                    socket.toString());
            Observer observer =
                    new Observer(channel, reply.expect(Reply.Limits.class, "look at the daemon at " + socket));
            done = true;
            return observer;
        } finally {
            if (!done) {
                channel.close();
            }
        }
    }

    private static Reply await(CompletableFuture<Reply> reply, String where) {
        try {
            return reply.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new UnavailableException(
                    "the daemon at " + where + " has not answered for " + PATIENCE_SECONDS + " seconds", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted while waiting for the daemon at " + where, e);
        } catch (ExecutionException e) {
            throw new IllegalStateException("an answer is a value, whatever it says", e);
        }
    }

    private Reply ask(MessageType type, int pid) {
        return await(
                channel.ask((buffer, correlation) -> new Query().encode(buffer, type, correlation, pid)),
                "process " + limits.daemonPid());
    }

    /** Process id of the daemon. */
    public int daemonPid() {
        return limits.daemonPid();
    }

    /**
     * How the daemon and all that it serves are doing.
     *
     * @throws ConnectionLostException if the daemon has ended
     */
    public Status status() {
        List<Status.Subject> subjects = new ArrayList<>();
        for (Reply.Table table : ask(MessageType.STATUS, 0)
                .expect(Reply.Tables.class, "ask for the daemon's status")
                .tables()) {
            subjects.add(new Status.Subject(table.pid(), table.subject(), table.entries()));
        }
        return new Status(subjects);
    }

    /**
     * The regions of a process, and how much of each is where, in lines for people.
     *
     * @param pid a client of the daemon
     * @throws RefusedException if it is none
     * @throws ConnectionLostException if the daemon has ended
     */
    public String smaps(int pid) {
        return ask(MessageType.SMAPS, pid)
                .expect(Reply.Words.class, "show the memory of process " + pid)
                .text();
    }

    @Override
    public void close() {
        channel.close();
    }
}
