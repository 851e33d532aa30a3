package org.heteromem.live.wire;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Turns bytes into the flyweight of their type: one object a class, used again for each message. Not thread-safe.
 */
public final class MessageReader {
    private final List<Message> flyweights = List.of(
            new RangeRequest(),
            new Done(),
            new Hello(),
            new Welcome(),
            new RegisterRegion(),
            new UnregisterRegion(),
            new Launch(),
            new Query(),
            new Counters(),
            new Text(),
            new Failure());

    /**
     * Reads a message.
     *
     * @param buffer holds it from its first byte on, and stays unchanged while the result is used
     * @param bytes how many arrived
     * @return valid until the next message of its class is read
     * @throws MalformedMessageException if it breaks any rule
     */
    public Message read(MemorySegment buffer, int bytes) {
        MessageType type = Message.typeOf(buffer, bytes);
        for (Message flyweight : flyweights) {
            if (flyweight.accepts(type)) {
                flyweight.wrap(buffer, bytes);
                return flyweight;
            }
        }
        throw new IllegalStateException("no class for messages of type " + type);
    }
}
