package org.heteromem.live.daemon;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.natives.Mapping;
import org.heteromem.live.natives.Memfd;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.Uffdio;
import org.heteromem.live.natives.UnixSocket;
import org.heteromem.live.natives.Userfault;
import org.heteromem.live.wire.Connection;
import org.heteromem.live.wire.Counters;
import org.heteromem.live.wire.Failure;
import org.heteromem.live.wire.Following;
import org.heteromem.live.wire.Hello;
import org.heteromem.live.wire.Message;
import org.heteromem.live.wire.MessageType;
import org.heteromem.live.wire.Query;
import org.heteromem.live.wire.RangeRequest;
import org.heteromem.live.wire.RegisterRegion;

/** The protocol without a library around it: every step can be done, left out, or done wrong. */
final class RawClient implements AutoCloseable {
    static final int PAGE = 4096;
    static final int ALL_MODES = Uffdio.REGISTER_MISSING | Uffdio.REGISTER_MINOR | Uffdio.REGISTER_WP;

    private static final long ALIVE = 77;

    /** Memory that is, or is not, what a daemon wants. */
    record Region(Memfd file, Mapping mapping, Userfault faults) implements AutoCloseable {
        long address() {
            return mapping.address();
        }

        long bytes() {
            return mapping.length();
        }

        MemorySegment segment() {
            return mapping.segment();
        }

        /** Touches every page. */
        void write() {
            for (long at = 0; at < bytes(); at += PAGE) {
                segment().set(JAVA_LONG, at, at | 1);
            }
        }

        /** Looks at every page of what was tampered with; never gets to the end. */
        void read() {
            long sum = 0;
            for (long at = 0; at < bytes(); at += PAGE) {
                sum += segment().get(JAVA_LONG, at);
            }
            throw new AssertionError("memory that was tampered with reads " + sum);
        }

        @Override
        public void close() {
            mapping.close();
            faults.close();
            file.close();
        }
    }

    final Connection connection;
    final MemorySegment buffer = Connection.newBuffer(Arena.ofAuto());
    private long correlation;

    private RawClient(Connection connection) {
        this.connection = connection;
    }

    /** Connects, and says nothing. */
    static RawClient connect(Path socket) {
        return new RawClient(new Connection(UnixSocket.connect(socket)));
    }

    /** Connects, and is welcome. */
    static RawClient greet(Path socket, long ram, String name) {
        RawClient client = connect(socket);
        client.expect(MessageType.WELCOME, client.hello(ram, name));
        return client;
    }

    Message hello(long ram, String name) {
        return new Hello().encode(buffer, ++correlation, Hello.Role.CLIENT, ram, PAGE, name);
    }

    /** Memory as it should be. */
    static Region region(long bytes) {
        return region(bytes, Memfd.REGION_SEALS, ALL_MODES, Uffdio.REQUIRED_FEATURES);
    }

    static Region region(long bytes, int seals, int modes, long features) {
        Memfd file = Memfd.create("raw", bytes);
        if (seals != 0) {
            file.addSeals(seals);
        }
        Mapping mapping = Mapping.sharedAligned(file, 0, bytes, 2 << 20);
        mapping.refuseHugePages();
        mapping.advise(Mapping.Advice.DONTFORK);
        Userfault faults = Userfault.open(features);
        if (modes != 0) {
            faults.register(mapping.address(), bytes, modes);
        }
        return new Region(file, mapping, faults);
    }

    Message register(int id, Region region) {
        return register(
                id,
                region.address(),
                region.bytes(),
                region.file().fd(),
                region.faults().fd());
    }

    Message register(int id, long address, long bytes, Fd file, Fd faults) {
        return ask(new RegisterRegion().encode(buffer, ++correlation, id, address, bytes, "raw"), file, faults);
    }

    Message range(MessageType type, int region, long offset, long bytes) {
        return ask(new RangeRequest().begin(buffer, type, ++correlation, region).add(offset, bytes));
    }

    /** Registers and allocates. */
    Region memory(int id, long bytes) {
        Region region = region(bytes);
        need(MessageType.DONE, register(id, region));
        need(MessageType.DONE, range(MessageType.ALLOCATE, id, 0, bytes));
        return region;
    }

    Message ask(Message message, Fd... descriptors) {
        connection.send(message, descriptors);
        Message answer;
        do {
            answer = answer().orElseThrow(() -> new AssertionError("the daemon closed the connection"));
            // A successor greets whom it has taken over.
        } while (answer.type() == MessageType.WELCOME && answer.correlation() == 0);
        return answer;
    }

    Optional<Message> answer() {
        return connection.receive().map(Connection.Incoming::message);
    }

    void expect(MessageType type, Message message, Fd... descriptors) {
        need(type, ask(message, descriptors));
    }

    static void need(MessageType type, Message answer) {
        if (answer.type() != type) {
            String detail = answer instanceof Failure failure ? ": " + failure.detail() : "";
            throw new AssertionError("answer " + answer.type() + detail + " instead of " + type);
        }
    }

    // ---- what becomes of those who do wrong --------------------------------------------------------------------

    /** Sends anything, to a daemon that may have had enough of this client. */
    void send(byte[] bytes, Fd... descriptors) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment message = arena.allocate(bytes.length);
            message.copyFrom(MemorySegment.ofArray(bytes));
            connection.socket().send(message, descriptors);
        } catch (NativeException e) {
            requireClosed(e);
        }
    }

    /** The daemon has refused, and says why. */
    static void refused(Message answer, String why) {
        need(MessageType.ERROR, answer);
        String detail = ((Failure) answer).detail();
        if (!detail.contains(why)) {
            throw new AssertionError("'" + detail + "' does not say '" + why + "'");
        }
    }

    /** The daemon still answers this client. */
    void alive() {
        connection.send(new Query().encode(buffer, MessageType.STATUS, ALIVE, 0));
        Message answer;
        do {
            answer = answer().orElseThrow();
        } while (answer.correlation() != ALIVE);
        need(MessageType.COUNTERS, answer);
        while (((Counters) answer).following() == Following.MORE) {
            answer = answer().orElseThrow();
        }
    }

    /** Whatever it was sent before, the daemon never leaves a client waiting. */
    void answersOrHasClosed() {
        connection.send(new Query().encode(buffer, MessageType.STATUS, ALIVE, 0));
        Optional<Message> answer;
        do {
            answer = answer();
        } while (answer.isPresent() && answer.get().correlation() != ALIVE);
    }

    /** At most a last word comes, and then nothing. */
    void expectClosed() {
        try {
            Message last = answer().orElse(null);
            if (last != null) {
                need(MessageType.ERROR, last);
                if (answer().isPresent()) {
                    throw new AssertionError("the connection goes on after " + last);
                }
            }
        } catch (NativeException e) {
            requireClosed(e);
        }
    }

    /** An error that the end of the connection explains. */
    static void requireClosed(NativeException e) {
        String name = String.valueOf(e.getMessage());
        if (Stream.of("EPIPE", "ECONNRESET", "EAGAIN", "ECONNREFUSED", "EMSGSIZE")
                .noneMatch(name::contains)) {
            throw new AssertionError(name);
        }
    }

    @Override
    public void close() {
        connection.close();
    }
}
