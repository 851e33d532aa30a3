package org.heteromem.live.wire;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.natives.UnixSocket;

/**
 * A socket that speaks the protocol. Any number of threads may send; one receives.
 *
 * <p>Whatever arrives is either a valid message with exactly the descriptors of its type, or a {@link
 * MalformedMessageException} after which all descriptors that came with it are closed.
 */
public final class Connection implements AutoCloseable {
    /**
     * What arrived.
     *
     * @param message valid until the next receive on the connection
     * @param descriptors as many as its type has; owned by the receiver
     */
    public record Incoming(Message message, List<Fd> descriptors) {}

    private final UnixSocket socket;
    private final MessageReader reader = new MessageReader();
    private final MemorySegment buffer = newBuffer(Arena.ofAuto());

    /**
     * @param socket closed with the connection
     */
    public Connection(UnixSocket socket) {
        this.socket = socket;
    }

    /** A buffer that any message fits into. */
    public static MemorySegment newBuffer(Arena arena) {
        return arena.allocate(Wire.MAX_MESSAGE_BYTES, 16);
    }

    /** The socket, to watch it or to ask who is at the other end. */
    public UnixSocket socket() {
        return socket;
    }

    /**
     * Sends a message, and waits while the other end does not take it.
     *
     * @throws IllegalArgumentException if its type has another number of descriptors
     * @throws org.heteromem.live.natives.NativeException EPIPE or ECONNRESET when the other end has closed
     */
    public void send(Message message, Fd... descriptors) {
        check(message, descriptors);
        socket.send(message.bytes(), descriptors);
    }

    /**
     * Sends a message unless the other end is too slow: for a daemon, which no client may hold up.
     *
     * @return false when it was not sent because too many are waiting
     */
    public boolean trySend(Message message, Fd... descriptors) {
        check(message, descriptors);
        return socket.trySend(message.bytes(), descriptors);
    }

    private static void check(Message message, Fd[] descriptors) {
        if (descriptors.length != message.type().descriptors()) {
            throw new IllegalArgumentException("a message " + message.type() + " goes with "
                    + message.type().descriptors() + " descriptors, not " + descriptors.length);
        }
    }

    /**
     * Waits for a message.
     *
     * @return empty when the other end has closed
     * @throws MalformedMessageException if what arrived breaks any rule; end the connection then
     */
    public Optional<Incoming> receive() {
        return decode(socket.receive(buffer));
    }

    /**
     * Waits for a message that brings no descriptors, as none from a daemon does. Until it is {@link #handled} this returns
     * the same one, so that it can all be done again after an {@link OutOfMemoryError}, wherever that came.
     *
     * @return its length, for {@link #read}; 0 when the other end has closed
     */
    public long await() {
        // It may have arrived when there was no heap to go on with: the kernel has written it here all the same.
        long there = Message.lengthIn(buffer);
        return there > 0 ? there : socket.receiveBytes(buffer);
    }

    /**
     * Reads the message that {@link #await} has found.
     *
     * @param bytes its length
     * @throws MalformedMessageException if it breaks any rule; end the connection then
     */
    public Message read(long bytes) {
        if (bytes > buffer.byteSize()) {
            throw new MalformedMessageException(
                    "a message of " + bytes + " bytes is longer than " + Wire.MAX_MESSAGE_BYTES);
        }
        Message message = reader.read(buffer, (int) bytes);
        if (message.type().descriptors() != 0) {
            throw new MalformedMessageException(message.type() + " is not for a program");
        }
        return message;
    }

    /** Lets {@link #await} wait for the next message. */
    public void handled() {
        Message.noneIn(buffer);
    }

    private Optional<Incoming> decode(UnixSocket.Received received) {
        if (received.bytes() == 0) {
            received.closeDescriptors();
            return Optional.empty();
        }
        boolean accepted = false;
        try {
            if (received.truncated()) {
                throw new MalformedMessageException("a message is longer than " + Wire.MAX_MESSAGE_BYTES
                        + " bytes, or has more than " + UnixSocket.MAX_DESCRIPTORS + " descriptors");
            }
            Message message = reader.read(buffer, received.bytes());
            int descriptors = received.descriptors().size();
            if (descriptors != message.type().descriptors()) {
                throw new MalformedMessageException(message.type() + " came with " + descriptors
                        + " descriptors; it has " + message.type().descriptors());
            }
            accepted = true;
            return Optional.of(new Incoming(message, received.descriptors()));
        } finally {
            if (!accepted) {
                received.closeDescriptors();
            }
        }
    }

    /** Makes a waiting {@link #receive} return empty, on both ends. */
    public void shutdown() {
        socket.shutdown();
    }

    @Override
    public void close() {
        socket.shutdown();
        socket.close();
    }
}
