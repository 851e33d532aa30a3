package org.heteromem.live.keeper;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.natives.UnixSocket;
import org.jspecify.annotations.Nullable;

/**
 * One message between worker and keeper, and the buffer that it travels in.
 *
 * <pre>
 *    0       4             8                 12
 *   +-------+-------------+-----------------+-----+---------+
 *   | kind  | key, bytes  | payload, bytes  | key | payload |
 *   +-------+-------------+-----------------+-----+---------+
 * </pre>
 *
 * Both ends are one program of one version and trust each other; a packet that makes no sense is a defect and ends the
 * conversation.
 */
final class Packet {
    /** What a packet says. */
    enum Kind {
        /** worker: keep this, in the place of what has the key. */
        HOLD,
        /** worker: let this go, and what belongs to it. */
        DROP,
        /** worker: this is how I was started; the descriptor is memory that has the arguments, see {@link Commands}. */
        WORKER,
        /** keeper: done. */
        DONE,
        /** keeper: this is held. */
        ITEM,
        /** keeper: that was all; begin. */
        BEGIN,
        /** keeper: another worker is alive; the payload has its process id. */
        REFUSED
    }

    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT;
    private static final Kind[] KINDS = Kind.values();
    private static final int HEADER = 12;

    private final MemorySegment buffer = Arena.ofAuto().allocate(HEADER + 3L * Item.MAX_BYTES, 8);

    /** What arrived; the descriptors are the receiver's. */
    record Received(Kind kind, String key, String payload, List<Fd> descriptors) {
        Item item() {
            return new Item(key, payload, descriptors);
        }
    }

    private MemorySegment encode(Kind kind, String key, String text) {
        byte[] name = key.getBytes(StandardCharsets.UTF_8);
        byte[] payload = text.getBytes(StandardCharsets.UTF_8);
        long bytes = HEADER + (long) name.length + payload.length;
        if (bytes > buffer.byteSize()) {
            throw new IllegalArgumentException(
                    kind + " of " + bytes + " bytes is too long; limit " + buffer.byteSize());
        }
        buffer.set(U32, 0, kind.ordinal());
        buffer.set(U32, 4, name.length);
        buffer.set(U32, 8, payload.length);
        MemorySegment.copy(name, 0, buffer, ValueLayout.JAVA_BYTE, HEADER, name.length);
        MemorySegment.copy(payload, 0, buffer, ValueLayout.JAVA_BYTE, HEADER + name.length, payload.length);
        return buffer.asSlice(0, bytes);
    }

    void send(UnixSocket to, Kind kind, String key, String payload, Fd... descriptors) {
        to.send(encode(kind, key, payload), descriptors);
    }

    void send(UnixSocket to, Kind kind) {
        send(to, kind, "", "");
    }

    void send(UnixSocket to, Kind kind, Item item) {
        send(to, kind, item.key(), item.payload(), item.descriptors().toArray(Fd[]::new));
    }

    /** Waits for a packet; empty when the other end is gone. */
    Optional<Received> receive(UnixSocket from) {
        UnixSocket.Received received = from.receive(buffer);
        if (received.bytes() == 0) {
            received.closeDescriptors();
            return Optional.empty();
        }
        Received packet = decode(received);
        if (packet == null) {
            received.closeDescriptors();
            throw new IllegalStateException("a packet of " + received.bytes() + " bytes from " + from
                    + " makes no sense; worker and keeper must be of one version");
        }
        return Optional.of(packet);
    }

    private @Nullable Received decode(UnixSocket.Received received) {
        int bytes = received.bytes();
        if (received.truncated() || bytes < HEADER) {
            return null;
        }
        int kind = buffer.get(U32, 0);
        int name = buffer.get(U32, 4);
        int payload = buffer.get(U32, 8);
        if (kind < 0 || kind >= KINDS.length || name < 0 || payload < 0 || (long) HEADER + name + payload != bytes) {
            return null;
        }
        return new Received(KINDS[kind], text(HEADER, name), text(HEADER + name, payload), received.descriptors());
    }

    private String text(int at, int bytes) {
        return new String(buffer.asSlice(at, bytes).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }
}
