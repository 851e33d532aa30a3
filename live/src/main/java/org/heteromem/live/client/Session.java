package org.heteromem.live.client;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.heteromem.live.UnavailableException;
import org.heteromem.live.natives.Processes;
import org.heteromem.live.natives.UnixSocket;
import org.heteromem.live.wire.Hello;

/**
 * One program with one daemon: the connection, the pool of regions, the private daemon if there is one. Thread-safe.
 *
 * <p>Ends when it has been closed <em>and</em> its last arena has ended: memory that somebody may still touch is never
 * without a daemon because its owner closed things in another order.
 */
public final class Session implements AutoCloseable {
    private static final int HELLO_SECONDS = 20;

    private final ControlChannel channel;
    private final Reply.Limits limits;
    private final RegionPool pool;
    private final Ranges ranges;
    private final Launches launches;
    private final Optional<PrivateDaemon> daemon;
    private final Object state = new Object();
    private int arenas;
    private boolean closed;

    private Session(ControlChannel channel, Reply.Limits limits, Optional<PrivateDaemon> daemon) {
        this.channel = channel;
        this.limits = limits;
        this.daemon = daemon;
        this.pool = new RegionPool(channel, limits);
        this.ranges = new Ranges(channel, pool);
        this.launches = new Launches(channel, pool);
        channel.onIdle(pool::idle);
    }

    /**
     * Greets a daemon.
     *
     * @param socket connected to it; owned by this
     * @param where for messages
     * @param daemon if it is a private one; ended with the session, and by the caller if this throws
     * @param ramBytes asked for, if it matters
     * @param name of the program
     * @throws UnavailableException if nothing there speaks the protocol
     * @throws org.heteromem.live.RefusedException if it does not want this client
     */
    public static Session greet(
            UnixSocket socket, Path where, Optional<PrivateDaemon> daemon, OptionalLong ramBytes, String name) {
        ControlChannel channel = new ControlChannel(socket);
        boolean done = false;
        try {
            Hello hello = new Hello();
            Reply reply = channel.ask((buffer, correlation) -> hello.encode(
                            buffer, correlation, Hello.Role.CLIENT, ramBytes.orElse(0), Processes.pageBytes(), name))
                    .get(HELLO_SECONDS, TimeUnit.SECONDS);
            Session session = new Session(
                    channel, reply.expect(Reply.Limits.class, "open memory with the daemon at " + where), daemon);
            done = true;
            return session;
        } catch (TimeoutException e) {
            throw new UnavailableException(
                    "whoever listens at " + where + " has not answered for " + HELLO_SECONDS
                            + " seconds; is it a daemon of Heteromem?",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted while waiting for the daemon at " + where, e);
        } catch (ExecutionException e) {
            throw new IllegalStateException("an answer is a value, whatever it says", e);
        } finally {
            if (!done) {
                channel.close();
            }
        }
    }

    /** What the daemon grants. */
    public Reply.Limits limits() {
        return limits;
    }

    /** The connection, for questions that are not about segments. */
    public ControlChannel channel() {
        return channel;
    }

    /** Requests about segments. */
    public Ranges ranges() {
        return ranges;
    }

    /** Requests to run kernels. */
    public Launches launches() {
        return launches;
    }

    /** Bytes of address space of all regions, used or not. */
    public long mappedBytes() {
        return pool.mappedBytes();
    }

    /**
     * An arena of managed memory.
     *
     * @param inner gives the rules of its lifetime and threads; nothing is allocated in it
     */
    public Arena arena(Arena inner) {
        begin();
        return new ManagedArena(inner, new ArenaMemory(pool), unused -> {
            try {
                pool.free(unused);
            } finally {
                end();
            }
        });
    }

    /** An arena that ends when the collector finds that nobody has it, nor any of its segments. */
    @SuppressWarnings("restricted") // no bytes: only to hear of the scope's end
    public Arena autoArena() {
        begin();
        Arena inner = Arena.ofAuto();
        ArenaMemory memory = new ArenaMemory(pool);
        // The action runs in the collector's cleaner thread and must neither wait nor keep the scope alive.
        MemorySegment.NULL.reinterpret(
                inner,
                _ -> pool.later(() -> {
                    try {
                        pool.free(memory.release());
                    } finally {
                        end();
                    }
                }));
        return new ManagedArena(inner, memory, _ -> {});
    }

    private void begin() {
        synchronized (state) {
            if (closed) {
                throw new IllegalStateException("the Heteromem is closed");
            }
            arenas++;
        }
    }

    private void end() {
        synchronized (state) {
            arenas--;
            if (!closed || arenas > 0) {
                return;
            }
        }
        disconnect();
    }

    @Override
    public void close() {
        synchronized (state) {
            if (closed) {
                return;
            }
            closed = true;
            if (arenas > 0) {
                return;
            }
        }
        disconnect();
    }

    private void disconnect() {
        channel.close();
        pool.close();
        daemon.ifPresent(PrivateDaemon::close);
    }
}
