package org.heteromem.live;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.heteromem.live.client.Connecting;
import org.heteromem.live.client.ControlChannel;
import org.heteromem.live.client.Reply;
import org.heteromem.live.client.Session;
import org.heteromem.live.client.Sockets;
import org.heteromem.live.doctor.Tier;
import org.heteromem.live.wire.MessageType;
import org.heteromem.live.wire.Query;
import org.heteromem.live.wire.UsageAdvice;

/**
 * Memory larger than RAM. Its arenas give ordinary memory segments; pages that are not used live on devices, and a touch
 * brings them back.
 *
 * <p>Nothing else here is needed for a program to be right: {@link #prefetch}, {@link #evict} and {@link #advise} make it
 * faster, {@link #pin} and {@link #touch} are for what cannot wait for a page, {@link #residency} and {@link #status} are
 * for looking. All of these but {@link #touch}, and {@link #launch}, have a form that does not wait for the daemon, whose
 * future is completed by a thread of this object, one for each at a time; wrong arguments are thrown at once by both.
 *
 * <p>All methods about segments take segments of this object's arenas, or slices of them, and count all pages of 4096 bytes
 * that a segment touches. They throw
 *
 * <ul>
 *   <li>{@link IllegalArgumentException} for a segment that is no such memory,
 *   <li>{@link IllegalStateException} if its arena was closed,
 *   <li>{@link WrongThreadException} if it is confined to another thread,
 *   <li>{@link RefusedException} if the daemon refuses, and {@link ConnectionLostException} if it is gone.
 * </ul>
 *
 * <p>Methods that return a future do not wait for what is asked. They wait while 64 other requests of the program have no
 * answer yet, kernels not counted, so that no burst of requests is more than program and daemon can hold.
 *
 * <p>Thread-safe. Do not touch managed memory while holding a lock that somebody needs in order to be quick: the touch can
 * take as long as the slowest device.
 */
public final class Heteromem implements AutoCloseable {
    private static final ControlChannel.Encoder STATUS =
            (buffer, correlation) -> new Query().encode(buffer, MessageType.STATUS, correlation, 0);

    private final Session session;
    private final Tier tier;

    private Heteromem(Connecting.Opened opened) {
        session = opened.session();
        tier = opened.tier();
    }

    /** {@link #open(Options)} with nothing given: a running daemon, or a private one. */
    public static Heteromem open() {
        return open(Options.defaults());
    }

    /**
     * Opens memory with a daemon: a running one or a private one, as {@link Options} says.
     *
     * @throws UnavailableException if the machine does not allow it (in the words of {@code heteromem doctor}), or there is
     *     no daemon and none can be started
     * @throws RefusedException if the daemon does not want this program, or not with so much RAM
     */
    public static Heteromem open(Options options) {
        return new Heteromem(new Connecting().open(options));
    }

    /**
     * Where a daemon of this user listens unless told otherwise: {@code $XDG_RUNTIME_DIR/heteromem/daemon.sock}, or where
     * there is no such directory {@code /tmp/heteromem-UID/daemon.sock}.
     */
    public static Path defaultSocket() {
        return Sockets.ofThisProcess().defaultSocket();
    }

    /**
     * Where daemons of this user listen: at {@link #defaultSocket()} first, if one does, and those of single programs, whose
     * sockets are in directories beside it that are named after them.
     */
    public static List<Path> daemonSockets() {
        return Sockets.ofThisProcess().all();
    }

    /** {@link #sharedArena()}. */
    public Arena arena() {
        return sharedArena();
    }

    /**
     * An arena with the rules of {@link Arena#ofShared()}: any thread may use and close it. Closing waits for accesses under
     * way, among them those that wait for a page; then it frees the memory everywhere.
     *
     * <p>Like all arenas here it gives memory that reads as zeros; {@link Arena#allocate(long, long)} throws an {@link
     * OutOfMemoryError} that says what is used up, and {@link Arena#close()} an {@link IllegalStateException} while pins
     * hold its memory.
     *
     * @throws IllegalStateException if this was closed
     */
    public Arena sharedArena() {
        return session.arena(Arena.ofShared());
    }

    /**
     * An arena with the rules of {@link Arena#ofConfined()}: for the calling thread.
     *
     * @throws IllegalStateException if this was closed
     */
    public Arena confinedArena() {
        return session.arena(Arena.ofConfined());
    }

    /**
     * An arena with the rules of {@link Arena#ofAuto()}: it cannot be closed, and is freed some time after nobody has it or
     * a segment of it any more. The collector does not know how large managed memory is: it comes when the Java heap
     * needs it.
     *
     * @throws IllegalStateException if this was closed
     */
    public Arena autoArena() {
        return session.autoArena();
    }

    /**
     * Brings memory to RAM from devices, in batches, many times faster than touching it page by page. It can be evicted
     * again at any time. What was never written is nowhere, and stays there. Of each segment at most as much is brought as
     * half of RAM, from its start.
     */
    public Moved prefetch(MemorySegment... segments) {
        return moved(answers(session.ranges().askAll(MessageType.PREFETCH, List.of(segments))), "prefetch");
    }

    /** {@link #prefetch}, without waiting. */
    public CompletableFuture<Moved> prefetchAsync(MemorySegment... segments) {
        return session.ranges()
                .askAllLater(MessageType.PREFETCH, List.of(segments), replies -> moved(replies, "prefetch"));
    }

    /** Sends memory out of RAM, as far as devices have room. What lies in the same pages goes with it. */
    public Moved evict(MemorySegment... segments) {
        return moved(answers(session.ranges().askAll(MessageType.EVICT, List.of(segments))), "evict");
    }

    /** {@link #evict}, without waiting. */
    public CompletableFuture<Moved> evictAsync(MemorySegment... segments) {
        return session.ranges().askAllLater(MessageType.EVICT, List.of(segments), replies -> moved(replies, "evict"));
    }

    private static List<Reply> answers(List<CompletableFuture<Reply>> replies) {
        return replies.stream().map(CompletableFuture::join).toList();
    }

    private static Moved moved(List<Reply> replies, String what) {
        Moved sum = new Moved(0, 0);
        for (Reply reply : replies) {
            Reply.Done done = reply.expect(Reply.Done.class, what + " memory");
            sum = sum.plus(new Moved(done.value(), done.skipped()));
        }
        return sum;
    }

    /** Says how memory will be used; see {@link Advice}. */
    public void advise(MemorySegment segment, Advice advice) {
        if (segment.byteSize() > 0) {
            session.ranges().advise(segment, onTheWire(advice)).join().expect(Reply.Done.class, "advise memory");
        }
    }

    /** {@link #advise}, without waiting. */
    public CompletableFuture<Void> adviseAsync(MemorySegment segment, Advice advice) {
        return segment.byteSize() == 0
                ? CompletableFuture.completedFuture(null)
                : session.ranges().adviseLater(segment, onTheWire(advice), replies -> {
                    replies.getFirst().expect(Reply.Done.class, "advise memory");
                    return null;
                });
    }

    private static UsageAdvice onTheWire(Advice advice) {
        return switch (advice) {
            case NORMAL -> UsageAdvice.NORMAL;
            case RANDOM -> UsageAdvice.RANDOM;
            case SEQUENTIAL -> UsageAdvice.SEQUENTIAL;
            case HOT -> UsageAdvice.HOT;
            case COLD -> UsageAdvice.COLD;
            case READ_MOSTLY -> UsageAdvice.READ_MOSTLY;
        };
    }

    /**
     * Brings memory to RAM and keeps it there, readable and writable without a fault, until the pin is closed.
     *
     * @throws RefusedException if this and what is pinned already would be more than half of RAM, or other memory cannot
     *     make room; nothing is pinned then
     */
    public Pin pin(MemorySegment segment) {
        if (segment.byteSize() == 0) {
            return Nothing.PINNED;
        }
        return session.ranges().pin(segment);
    }

    /**
     * {@link #pin}, without waiting. If the future is cancelled the pin ends as soon as it holds.
     */
    public CompletableFuture<Pin> pinAsync(MemorySegment segment) {
        return segment.byteSize() == 0
                ? CompletableFuture.completedFuture(Nothing.PINNED)
                : session.ranges().pinLater(segment);
    }

    /** The pin of no memory. */
    private enum Nothing implements Pin {
        PINNED;

        @Override
        public void close() {}

        @Override
        public CompletableFuture<Void> closeAsync() {
            return CompletableFuture.completedFuture(null);
        }
    }

    /**
     * Something that is done while memory is resident.
     *
     * @param <T> its result
     * @param <X> what it may throw
     */
    @FunctionalInterface
    public interface Body<T, X extends Exception> {
        /** Does it. */
        T run() throws X;
    }

    /**
     * Makes a system call with managed memory safe in every {@linkplain #tier() tier}: the memory is in RAM, pinned, from
     * before the body begins until it has ended.
     *
     * <p>In the tier {@link Tier#USER_MODE_ONLY} a system call that meets a page which is not in RAM, or writes to one that
     * has only been read since it came back there, fails with EFAULT ("Bad address"); in {@link Tier#FULL} it waits for the
     * page like a load does, and this method is not needed.
     *
     * <pre>{@code
     * int read = memory.touch(buffer, () -> channel.read(buffer.asByteBuffer()));
     * }</pre>
     *
     * @param segment what the system call reads or writes; with all that is pinned, at most half of RAM
     * @return what the body returns
     * @throws X what the body throws
     */
    public <T, X extends Exception> T touch(MemorySegment segment, Body<T, X> body) throws X {
        try (Pin _ = pin(segment)) {
            return body.run();
        }
    }

    /**
     * Brings memory to RAM before a system call uses it, also what was never written. The pages are then the most recently
     * used, so the call will very likely meet them there; {@link #touch(MemorySegment, Body)} makes sure.
     *
     * @throws RefusedException if this and what is pinned already would be more than half of RAM
     */
    public void touch(MemorySegment segment) {
        pin(segment).close();
    }

    /** Where the pages of memory are at the moment. */
    public Residency residency(MemorySegment segment) {
        return residency(answers(session.ranges().askAll(MessageType.RESIDENCY, List.of(segment))));
    }

    /** {@link #residency}, without waiting. */
    public CompletableFuture<Residency> residencyAsync(MemorySegment segment) {
        return session.ranges().askAllLater(MessageType.RESIDENCY, List.of(segment), Heteromem::residency);
    }

    private static Residency residency(List<Reply> replies) {
        Map<String, Long> pages = new LinkedHashMap<>();
        for (Reply reply : replies) {
            for (Reply.Table table :
                    reply.expect(Reply.Tables.class, "ask where memory is").tables()) {
                table.entries().forEach((place, count) -> pages.merge(place, count, Long::sum));
            }
        }
        long ram = take(pages, "ram");
        long moving = take(pages, "moving");
        long lost = take(pages, "lost");
        long absent = take(pages, "absent");
        return new Residency(ram, pages, moving, lost, absent);
    }

    private static long take(Map<String, Long> pages, String place) {
        Long count = pages.remove(place);
        return count == null ? 0 : count;
    }

    /**
     * Runs a kernel on the daemon's accelerator and waits for its end. The kernel works on this program's memory, by the
     * same addresses; its stores are seen here, and stores from here by it, as between threads: what happened before the
     * launch the kernel sees, and what the kernel did is seen when this returns. Threads of this program may touch the same
     * pages meanwhile; pages move to whoever touches them.
     *
     * <pre>{@code
     * Options options = Options.ram("512M").accelerator("256M").kernels(Path.of("kernels.jar"));
     * ...
     * memory.launch("org.example.Scale", vector, count, 2.0);
     *
     * public record Scale(long vector, long count, double by) implements Kernel {
     *     public void run(MemoryAccess memory, int unit, int units) {
     *         for (long i = unit; i < count; i += units) {
     *             memory.storeDouble(vector + i * 8, memory.loadDouble(vector + i * 8) * by);
     *         }
     *     }
     * }
     * }</pre>
     *
     * <p>The arenas of segments that are given cannot be closed while the kernel runs.
     *
     * @param kernel binary name of a class on the class path of {@link Options#kernels}, which implements {@code
     *     org.heteromem.devices.accelerator.Kernel} and has one constructor that takes the arguments
     * @param arguments integers for a {@code long} or an {@code int}, floating-point numbers for a {@code double}, and
     *     segments of this memory for a {@code long}, the address, or an {@code
     *     org.heteromem.devices.accelerator.MemoryRange}
     * @throws IllegalArgumentException if an argument is anything else
     * @throws RefusedException with the reason {@code KERNEL_FAILED} if there is no such kernel, it threw, or the daemon was
     *     killed while it ran; {@code NO_DEVICE} if the daemon has no accelerator, {@code NOT_ALLOWED} if it runs no kernels,
     *     {@code LIMIT} if too many are running
     */
    public void launch(String kernel, Object... arguments) {
        launched(
                kernel,
                session.launches()
                        .launch("", kernel, Arrays.asList(arguments), List::getFirst)
                        .join());
    }

    /** {@link #launch}, without waiting. */
    public CompletableFuture<Void> launchAsync(String kernel, Object... arguments) {
        return session.launches().launch("", kernel, Arrays.asList(arguments), replies -> {
            launched(kernel, replies.getFirst());
            return null;
        });
    }

    private static void launched(String kernel, Reply reply) {
        reply.expect(Reply.Done.class, "run " + kernel);
    }

    /** How the daemon and all that it serves are doing. */
    public Status status() {
        return status(session.channel().await(STATUS));
    }

    /** {@link #status}, without waiting. */
    public CompletableFuture<Status> statusAsync() {
        return session.channel().askLater(STATUS, replies -> status(replies.getFirst()));
    }

    private static Status status(Reply reply) {
        List<Status.Subject> subjects = new ArrayList<>();
        for (Reply.Table table :
                reply.expect(Reply.Tables.class, "ask for the daemon's status").tables()) {
            subjects.add(new Status.Subject(table.pid(), table.subject(), table.entries()));
        }
        return new Status(subjects);
    }

    /** Which system calls may meet evicted memory: {@link Tier#FULL} or {@link Tier#USER_MODE_ONLY}. */
    public Tier tier() {
        return tier;
    }

    /** RAM that this program's managed memory may hold, in bytes. */
    public long ramBytes() {
        return session.limits().ramBytes();
    }

    /** Process id of the daemon. */
    public int daemonPid() {
        return session.limits().daemonPid();
    }

    /** Whether the daemon is there. If not, see {@link ConnectionLostException}; there is no way back. */
    public boolean isConnected() {
        return session.channel().isOpen();
    }

    /**
     * Gives no more arenas. Those that are open go on, with all their memory, until they are closed; the connection, and a
     * private daemon with it, end with the last of them.
     */
    @Override
    public void close() {
        session.close();
    }

    @Override
    public String toString() {
        return "managed memory of the daemon " + daemonPid() + ", RAM " + ramBytes() + " bytes, rights " + tier.label();
    }
}
