package org.heteromem.live.client;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.UnixSocket;
import org.heteromem.live.wire.Connection;
import org.heteromem.live.wire.Counters;
import org.heteromem.live.wire.Done;
import org.heteromem.live.wire.ErrorCode;
import org.heteromem.live.wire.Failure;
import org.heteromem.live.wire.Following;
import org.heteromem.live.wire.MalformedMessageException;
import org.heteromem.live.wire.Message;
import org.heteromem.live.wire.MessageReader;
import org.heteromem.live.wire.MessageType;
import org.heteromem.live.wire.Text;
import org.heteromem.live.wire.Welcome;
import org.heteromem.live.wire.Wire;
import org.jspecify.annotations.Nullable;

/**
 * The control connection: any thread asks, one reader thread hands out the answers. Thread-safe.
 *
 * <p>A thread of a program may stop in a page fault at any touch of managed memory, and then nothing that it holds is let
 * go until the daemon has served it. So nobody touches managed memory while holding the writer's lock, the reader thread
 * runs no code of the program, and the futures given out here are for this package: what a program gets is completed
 * elsewhere.
 *
 * <p>Nobody asks more while 64 requests have no answer: so many answers fit into the socket, and a program that
 * stands still for a while, however long, holds up no daemon with what it does not read. Kernels do not count, as they may
 * take any time.
 *
 * <p>Once the connection has ended, every request that waits and every later one is answered by {@link Reply.Lost}. It ends
 * too when the reader thread cannot go on, such as for want of heap.
 */
public final class ControlChannel implements AutoCloseable {
    /** Writes a request into the buffer that it is sent from. */
    @FunctionalInterface
    public interface Encoder {
        /** Fills the buffer, with this correlation. */
        Message encode(MemorySegment buffer, long correlation);
    }

    /** Somebody who waits, and what has arrived of an answer of several messages. */
    private static final class Pending {
        final MessageType type;
        final byte[] request;
        final Fd[] descriptors;
        private final CompletableFuture<Reply> answer = new CompletableFuture<>();

        Pending(Message request, Fd... descriptors) {
            this.type = request.type();
            this.request = request.bytes().toArray(ValueLayout.JAVA_BYTE);
            this.descriptors = descriptors;
        }

        final List<Reply.Table> tables = new ArrayList<>();
        final StringBuilder text = new StringBuilder();

        /** Whether it takes a place of the window. */
        boolean counts() {
            return type != MessageType.LAUNCH;
        }
    }

    /** Requests that may be without an answer at a time. */
    static final int WINDOW = 64;

    private static final long RETRY_NANOS = 10_000_000;

    /** Errors of a send after which there is no connection. */
    private static final Set<Integer> ENDS = Set.of(Errno.EPIPE, Errno.ECONNRESET, Errno.ENOTCONN, Errno.EBADF);

    private final Connection connection;
    private final ReentrantLock writer = new ReentrantLock();
    private final MemorySegment buffer = Connection.newBuffer(Arena.ofAuto());
    /** Reads requests that are sent again; guarded by the writer's lock. */
    private final MessageReader again = new MessageReader();
    /** Requests so far; guarded by the writer's lock. */
    private int numbers;
    /** Process id of the daemon; 0 until it has said so. */
    private volatile int daemon;

    /** A daemon that has taken over; compared by identity. */
    private record Successor(int pid) {}

    /** Who has taken over last. */
    private volatile @Nullable Successor successor;
    /** Who was asked again whatever had no answer; guarded by the writer's lock. */
    private @Nullable Successor resumed;

    private final Map<Long, Pending> waiting = new ConcurrentHashMap<>();
    private final Semaphore window = new Semaphore(WINDOW);
    private final Thread reader;
    /** Made while there is room for it. */
    private final Reply.Lost noHeap = new Reply.Lost("the program was out of memory when the daemon answered");

    /** How the connection ended; null while it lasts. */
    private volatile Reply.@Nullable Lost ended;

    /** The last thing that the daemon said unasked: why it is about to end. */
    private volatile String notice = "";

    /**
     * @param socket connected; owned by this
     */
    public ControlChannel(UnixSocket socket) {
        connection = new Connection(socket);
        answerAll(noHeap); // nobody yet: what the end needs is loaded while there is room
        reader = Thread.ofPlatform().daemon().name("heteromem-control").unstarted(() -> orEnd(this::read));
        reader.start();
    }

    /** Who is at the other end. */
    public UnixSocket.Peer peer() {
        return connection.socket().peer();
    }

    /** Whether requests are still answered. */
    public boolean isOpen() {
        return ended == null;
    }

    /**
     * Asks; waits only while too many requests have no answer.
     *
     * @param encoder runs in the calling thread, while others wait to send
     * @param descriptors copies of which go with the request
     * @return completed by the reader thread with a reply of any kind, and never exceptionally
     * @throws NativeException when the system cannot pass the descriptors on; the connection lasts
     */
    public CompletableFuture<Reply> ask(Encoder encoder, Fd... descriptors) {
        window.acquireUninterruptibly();
        boolean counted = false;
        writer.lock();
        try {
            long correlation = Wire.correlation(daemon, ++numbers);
            Message message = encoder.encode(buffer, correlation); // may refuse its arguments: nothing is waiting yet
            Pending pending = new Pending(message, descriptors);
            waiting.put(correlation, pending);
            boolean sent = false;
            try {
                send(message, descriptors);
                sent = true;
            } finally {
                if (!sent) {
                    waiting.remove(correlation); // such as no more descriptors in flight: this request only
                }
            }
            counted = pending.counts();
            Reply.Lost lost = ended; // after the put: either this sees the end, or the end sees the pending request
            if (lost != null) {
                answer(correlation, pending, lost);
            }
            return pending.answer;
        } finally {
            writer.unlock();
            if (!counted) {
                window.release();
            }
        }
    }

    private void send(Message message, Fd... descriptors) {
        try {
            connection.send(message, descriptors);
        } catch (NativeException e) {
            if (!ENDS.contains(e.errno())
                    || (e.errno() == Errno.EBADF
                            && connection.socket().fd().isOpen())) { // of a descriptor that was to go
                throw e;
            }
            end(new Reply.Lost("the connection to the daemon broke: " + e.getMessage()));
        }
    }

    /** Gives an answer to who waits for it, unless he has one. */
    private void answer(long correlation, Pending pending, Reply reply) {
        waiting.remove(correlation);
        if (pending.answer.complete(reply) && pending.counts()) {
            window.release();
        }
    }

    /**
     * A daemon has taken over from one that was killed: what has no answer is asked again. The successor drops what its
     * predecessor was asked and did not read, so nothing is done twice. A kernel is not asked for again: how far it has come
     * nobody knows.
     *
     * <p>By a thread of its own: a successor that waits until its answers are read reads no questions meanwhile.
     */
    private void resume() {
        writer.lock();
        try {
            Successor latest = successor;
            if (latest == null || latest == resumed) {
                return; // several have come, and all of this was done for the last
            }
            resumed = latest;
            int now = latest.pid();
            daemon = now;
            Map<Integer, Pending> unanswered = new TreeMap<>();
            waiting.forEach((correlation, pending) -> unanswered.put(Wire.number(correlation), pending));
            // All of them before the first is sent: whatever becomes of one, the others get an answer.
            unanswered.forEach((number, pending) -> {
                pending.tables.clear();
                pending.text.setLength(0);
                waiting.put(Wire.correlation(now, number), pending);
            });
            waiting.keySet().removeIf(correlation -> Wire.addressee(correlation) != now);
            unanswered.forEach((number, pending) -> askAgain(Wire.correlation(now, number), pending));
            Reply.Lost lost = ended;
            if (lost != null) {
                unanswered.forEach((number, pending) -> answer(Wire.correlation(now, number), pending, lost));
            }
        } finally {
            writer.unlock();
        }
    }

    private void askAgain(long correlation, Pending pending) {
        if (pending.type == MessageType.LAUNCH) {
            answer(
                    correlation,
                    pending,
                    new Reply.Refused(
                            ErrorCode.KERNEL_FAILED,
                            "the daemon was killed while the kernel ran, or before; some of what it stores is there, and"
                                    + " the rest never will be"));
            return;
        }
        try {
            MemorySegment.copy(pending.request, 0, buffer, ValueLayout.JAVA_BYTE, 0, pending.request.length);
            Message message = again.read(buffer, pending.request.length);
            message.readdress(correlation);
            send(message, pending.descriptors);
        } catch (RuntimeException e) {
            answer(
                    correlation,
                    pending,
                    new Reply.Refused(
                            ErrorCode.INTERNAL,
                            "the daemon was killed, and its successor could not be asked: " + e.getMessage()));
        }
    }

    /** Asks, and waits for the answer. */
    public Reply await(Encoder encoder, Fd... descriptors) {
        return ask(encoder, descriptors).join();
    }

    /** Nobody may wait for the answers of a thread that has gone, whatever it was that ended it. */
    private void orEnd(Runnable work) {
        try {
            tellingWhy(work);
        } catch (OutOfMemoryError e) {
            // Of the work, or of what was to be said about its end.
            endWithoutHeap();
        }
    }

    private void tellingWhy(Runnable work) {
        try {
            work.run();
        } catch (OutOfMemoryError e) {
            throw e;
        } catch (MalformedMessageException e) {
            end(new Reply.Lost("the daemon does not keep to the protocol: " + e.getMessage()));
        } catch (NativeException e) {
            end(new Reply.Lost("the connection to the daemon broke: " + e.getMessage()));
        } catch (RuntimeException | Error e) {
            end(new Reply.Lost("the connection to the daemon was given up: " + e));
        }
    }

    private void endWithoutHeap() {
        for (boolean again = false; ; again = true) {
            try {
                if (again) {
                    LockSupport.parkNanos(RETRY_NANOS);
                }
                end(noHeap);
                return;
            } catch (OutOfMemoryError e) {
                // Until the program has let go of something.
                Thread.onSpinWait();
            }
        }
    }

    private void read() {
        while (true) {
            var incoming = connection.receive();
            if (incoming.isEmpty()) {
                end(new Reply.Lost("the daemon has ended" + (notice.isEmpty() ? "" : ": " + notice)));
                return;
            }
            incoming.get().descriptors().forEach(Fd::close); // no answer brings any
            hand(incoming.get().message());
        }
    }

    private void hand(Message message) {
        long correlation = message.correlation();
        if (correlation == 0) {
            if (message instanceof Failure failure) {
                notice = failure.detail();
            } else if (message instanceof Welcome welcome) {
                successor = new Successor(welcome.daemonPid());
                Thread.ofPlatform().daemon().name("heteromem-resume").start(() -> orEnd(this::resume));
            }
            return;
        }
        if (message instanceof Welcome welcome) {
            daemon = welcome.daemonPid();
        }
        Pending pending = waiting.get(correlation);
        if (pending == null) {
            throw new MalformedMessageException(
                    message.type() + " answers request " + correlation + ", which nobody has made");
        }
        Reply reply = reply(message, pending);
        if (reply != null) {
            answer(correlation, pending, reply);
        }
    }

    /** The whole reply; null while more follows. */
    private static @Nullable Reply reply(Message message, Pending pending) {
        return switch (message) {
            case Done done -> new Reply.Done(done.value(), done.skipped());
            case Welcome welcome ->
                new Reply.Limits(
                        welcome.daemonPid(),
                        welcome.client(),
                        welcome.ramBytes(),
                        welcome.maxRegionBytes(),
                        welcome.maxRegions());
            case Failure failure -> new Reply.Refused(failure.code(), failure.detail());
            case Counters counters -> {
                pending.tables.add(new Reply.Table(counters.pid(), counters.subject(), counters.entries()));
                yield counters.following() == Following.MORE ? null : new Reply.Tables(List.copyOf(pending.tables));
            }
            case Text text -> {
                pending.text.append(text.text());
                yield text.following() == Following.MORE ? null : new Reply.Words(pending.text.toString());
            }
            default -> throw new MalformedMessageException(message.type() + " is not an answer");
        };
    }

    private void answerAll(Reply.Lost how) {
        for (Map.Entry<Long, Pending> one : waiting.entrySet()) {
            answer(one.getKey(), one.getValue(), how);
        }
    }

    /** Ends the connection, and tells everybody how it ended first. */
    private void end(Reply.Lost how) {
        Reply.Lost first;
        synchronized (waiting) {
            Reply.Lost before = ended;
            first = before == null ? how : before;
            ended = first;
        }
        answerAll(first);
        connection.shutdown();
    }

    /** Ends the connection: the daemon drops all that this client had. */
    @Override
    public void close() {
        end(new Reply.Lost("the memory was closed"));
        connection.close();
    }
}
