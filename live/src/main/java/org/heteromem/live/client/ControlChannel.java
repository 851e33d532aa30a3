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
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
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
import org.heteromem.live.wire.RangeRequest;
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
 * <p>Once the connection has ended, every request that waits and every later one is answered by {@link Reply.Lost}. It does
 * not end because a program has no heap for a while: an answer waits until there is some.
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
        private final Consumer<Reply> receiver;
        /** Whether there is an answer, or there will be none. */
        volatile boolean answered;

        Pending(Message request, Consumer<Reply> receiver, Fd... descriptors) {
            this.type = request.type();
            this.receiver = receiver;
            this.request = request.bytes().toArray(ValueLayout.JAVA_BYTE);
            this.descriptors = descriptors;
        }

        List<Reply.Table> tables = List.of();
        String text = "";
        /** Whether it takes a place of the window. */
        private final AtomicBoolean counts = new AtomicBoolean(true);

        /** {@return whether it has just given its place of the window back} */
        boolean leaves() {
            return counts.getAndSet(false);
        }
    }

    /** Requests that may be without an answer at a time. */
    static final int WINDOW = 64;

    /** Errors of a send after which there is no connection. */
    private static final Set<Integer> ENDS = Set.of(Errno.EPIPE, Errno.ECONNRESET, Errno.ENOTCONN, Errno.EBADF);

    private final Connection connection;
    private final ReentrantLock writer = new ReentrantLock();
    private final MemorySegment buffer = Connection.newBuffer(Arena.ofAuto());
    /** Reads requests that are sent again; guarded by the writer's lock. */
    private final MessageReader again = new MessageReader();
    /** Requests so far; changed under the writer's lock. */
    private volatile int numbers;
    /** Process id of the daemon; 0 until it has said so. */
    private volatile int daemon;

    /** A daemon that has taken over; compared by identity. */
    private record Successor(int pid) {}

    /** Who has taken over last. */
    private volatile @Nullable Successor successor;
    /** Who was asked again whatever had no answer; guarded by the writer's lock. */
    private @Nullable Successor resumed;
    /** What it has still to be asked; guarded by the writer's lock. */
    private Map<Integer, Pending> unanswered = Map.of();

    private final Map<Long, Pending> waiting = new ConcurrentHashMap<>();
    private final Semaphore window = new Semaphore(WINDOW);
    private final Outcomes outcomes = new Outcomes();
    private final Thread reader;
    /** Whether the message that the connection holds has been handed out; the reader's only. */
    private boolean handed;
    /** Of whom that message tells, if it does; the reader's only. */
    private @Nullable Successor announced;
    /** Made now, as a class whose initialization lacked heap stays unusable. */
    private final Following last = Following.LAST;

    /** How the connection ended; null while it lasts. */
    private volatile Reply.@Nullable Lost ended;

    /** Who hears which pages are to be made idle. */
    private volatile Consumer<RangeRequest> idle = _ -> {};

    /** The last thing that the daemon said unasked: why it is about to end. */
    private volatile String notice = "";

    /**
     * @param socket connected; owned by this
     */
    public ControlChannel(UnixSocket socket) {
        connection = new Connection(socket);
        Runnable reading = () -> tellingWhy(this::read);
        reader = Thread.ofPlatform().daemon().name("heteromem-control").unstarted(() -> Heap.retry(reading));
        reader.start();
    }

    /**
     * Says who hears of {@link MessageType#IDLE}.
     *
     * @param handler called by the reader thread, with what is valid during the call; may be called with the same twice, must
     *     not wait for an answer and must not touch managed memory
     */
    void onIdle(Consumer<RangeRequest> handler) {
        idle = handler;
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
        CompletableFuture<Reply> answer = new CompletableFuture<>();
        ask(encoder, answer::complete, descriptors);
        return answer;
    }

    /**
     * Asks; waits only while too many requests have no answer.
     *
     * @param encoder as above
     * @param receiver called with the reply unless this throws, by the reader thread or whoever finds the connection ended. It
     *     waits for nothing, needs no heap and throws nothing; a reply may come again, and the first one counts
     * @param descriptors as above
     * @throws NativeException as above
     */
    void ask(Encoder encoder, Consumer<Reply> receiver, Fd... descriptors) {
        window.acquireUninterruptibly();
        Pending pending = null;
        boolean asked = false;
        writer.lock();
        try {
            int number = numbers + 1;
            numbers = number;
            Long correlation = Wire.correlation(daemon, number); // one object: to take it out again needs no heap
            Message message = encoder.encode(buffer, correlation); // may refuse its arguments: nothing is waiting yet
            pending = new Pending(message, receiver, descriptors);
            try {
                waiting.put(correlation, pending);
                send(message, descriptors);
                asked = true;
            } finally {
                if (!asked) {
                    // Such as no more descriptors in flight: this request only. Nobody asks a successor for it.
                    pending.answered = true;
                    waiting.remove(correlation);
                }
            }
            Reply.Lost lost = ended; // after the put: either this sees the end, or the end sees the pending request
            if (lost != null) {
                answer(correlation, pending, lost);
            }
        } finally {
            writer.unlock();
            if (pending == null || ((!asked || pending.type == MessageType.LAUNCH) && pending.leaves())) {
                window.release();
            }
        }
    }

    /**
     * Asks without waiting for the answer.
     *
     * @param encoder as above
     * @param result of the one reply
     * @return the program's: completed by a thread of its own, in the end also if the program has no heap for a while
     */
    public <T> CompletableFuture<T> askLater(Encoder encoder, Result<T> result) {
        return askAllLater(List.of(encoder), result, _ -> {});
    }

    /**
     * Asks several questions without waiting for the answers.
     *
     * @param requests at least one
     * @param result of all replies; if called again it returns the same, as far as {@code unwanted} cares
     * @param unwanted gets what the program does not take, as it has cancelled or completed the future itself
     * @return the program's, as above
     */
    <T> CompletableFuture<T> askAllLater(List<Encoder> requests, Result<T> result, Consumer<T> unwanted) {
        Outcome<T> outcome = outcomes.outcome(requests.size(), result, unwanted);
        boolean asked = false;
        try {
            for (int i = 0; i < requests.size(); i++) {
                ask(requests.get(i), outcome.receiver(i));
            }
            asked = true;
            return outcome.future();
        } finally {
            if (!asked) {
                outcome.forget();
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
    private void answer(Long correlation, Pending pending, Reply reply) {
        // Again after want of heap in any of this: none of it does its work twice, and what makes it known is last.
        pending.receiver.accept(reply);
        pending.answered = true;
        if (pending.leaves()) {
            window.release();
        }
        waiting.remove(correlation);
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
            if (latest != null && latest != resumed) {
                unanswered = readdressed(latest.pid());
                daemon = latest.pid();
                resumed = latest;
            }
            for (var all = unanswered.entrySet().iterator(); all.hasNext(); ) {
                var one = all.next();
                if (!one.getValue().answered) {
                    askAgain(Wire.correlation(daemon, one.getKey()), one.getValue());
                }
                all.remove(); // nothing is allocated after it was sent: none is asked twice
            }
            Reply.Lost lost = ended;
            if (lost != null) {
                answerAll(lost);
            }
        } finally {
            writer.unlock();
        }
    }

    /** All of them before the first is sent: whatever becomes of one, the others get an answer. */
    private Map<Integer, Pending> readdressed(int now) {
        Map<Integer, Pending> all = new TreeMap<>();
        waiting.forEach((correlation, pending) -> all.put(Wire.number(correlation), pending));
        all.forEach((number, pending) -> {
            pending.tables = List.of();
            pending.text = "";
            waiting.put(Wire.correlation(now, number), pending);
        });
        waiting.keySet().removeIf(correlation -> Wire.addressee(correlation) != now);
        return all;
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
        return Heap.join(ask(encoder, descriptors));
    }

    /** Nobody may wait for the answers of a thread that has gone, whatever it was that ended it. */
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

    private void read() {
        while (true) {
            Reply.Lost lost = ended;
            if (lost != null) {
                end(lost); // whatever arrives now is for nobody
                return;
            }
            if (!handed) {
                long bytes = connection.await();
                if (bytes == 0) {
                    end(new Reply.Lost("the daemon has ended" + (notice.isEmpty() ? "" : ": " + notice)));
                    return;
                }
                hand(connection.read(bytes));
                handed = true;
            }
            announced = null;
            connection.handled();
            handed = false;
        }
    }

    /** Without effect until nothing more is to be allocated, so that it can be done again. */
    private void hand(Message message) {
        long correlation = message.correlation();
        if (correlation == 0) {
            if (message instanceof Failure failure) {
                notice = failure.detail();
            } else if (message instanceof Welcome welcome) {
                Runnable resuming = () -> tellingWhy(this::resume);
                if (announced == null) {
                    announced = new Successor(welcome.daemonPid()); // the same one when this is done again
                    successor = announced;
                }
                Thread.ofPlatform().daemon().name("heteromem-resume").start(() -> Heap.retry(resuming));
            } else if (message instanceof RangeRequest ranges && ranges.type() == MessageType.IDLE) {
                idle.accept(ranges);
            }
            return;
        }
        if (message instanceof Welcome welcome) {
            daemon = welcome.daemonPid();
        }
        Pending pending = waiting.get(correlation);
        if (pending == null) {
            int number = Wire.number(correlation);
            if (number > 0 && number <= numbers) {
                return; // of a request that was given up: who asked had no heap to go on with
            }
            throw new MalformedMessageException(
                    message.type() + " answers request " + correlation + ", which nobody has made");
        }
        Reply reply = reply(message, pending);
        if (reply != null) {
            answer(correlation, pending, reply);
        }
    }

    /** The whole reply; null while more follows. */
    private @Nullable Reply reply(Message message, Pending pending) {
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
                List<Reply.Table> tables = new ArrayList<>(pending.tables);
                tables.add(new Reply.Table(counters.pid(), counters.subject(), counters.entries()));
                if (counters.following() == last) {
                    yield new Reply.Tables(List.copyOf(tables));
                }
                pending.tables = tables;
                yield null;
            }
            case Text text -> {
                String words = pending.text + text.text();
                if (text.following() == last) {
                    yield new Reply.Words(words);
                }
                pending.text = words;
                yield null;
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
        try {
            end(new Reply.Lost("the memory was closed"));
        } finally {
            outcomes.close();
            connection.close();
        }
    }
}
