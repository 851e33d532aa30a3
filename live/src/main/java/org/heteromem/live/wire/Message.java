package org.heteromem.live.wire;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * A flyweight over one message; see the package for the header. Subclasses know one kind of body each.
 *
 * <p>Either wrapped around bytes that arrived ({@link #wrap}), which validates all of them, or begun on an empty buffer
 * and filled. Not thread-safe; valid as long as the buffer is left alone.
 */
public abstract class Message {
    private static final int LENGTH = 0;
    private static final int TYPE = 4;
    private static final int VERSION = 6;
    private static final int CORRELATION = 8;

    private MemorySegment buffer = MemorySegment.NULL;
    private int length;
    private MessageType type = MessageType.ERROR;

    Message() {}

    /** Whether this class is for messages of a type. */
    abstract boolean accepts(MessageType candidate);

    /** Checks the body, from {@link Wire#HEADER_BYTES} on; throws {@link MalformedMessageException}. */
    abstract void validate();

    /** {@return the length that a buffer's message says it has; 0 if there is none} */
    static long lengthIn(MemorySegment buffer) {
        return buffer.get(Wire.U32, LENGTH) & 0xffff_ffffL;
    }

    /** Makes a buffer have no message. */
    static void noneIn(MemorySegment buffer) {
        buffer.set(Wire.U32, LENGTH, 0);
    }

    /**
     * Reads the type out of a header, and checks the header.
     *
     * @param buffer holds the message from its first byte on
     * @param bytes how many arrived
     * @throws MalformedMessageException if the header is not one of ours
     */
    static MessageType typeOf(MemorySegment buffer, int bytes) {
        if (bytes < Wire.HEADER_BYTES) {
            throw new MalformedMessageException(
                    "a message of " + bytes + " bytes is shorter than the header of " + Wire.HEADER_BYTES);
        }
        long said = lengthIn(buffer);
        if (said != bytes) {
            throw new MalformedMessageException("field length says " + said + " bytes, and " + bytes + " arrived");
        }
        int code = buffer.get(Wire.U16, TYPE) & 0xffff;
        MessageType type = MessageType.of(code)
                .orElseThrow(() -> new MalformedMessageException("field type: there is no message type " + code));
        int version = buffer.get(Wire.U16, VERSION) & 0xffff;
        // HELLO and its refusal are understood by every version: they are how versions are agreed on.
        if (version != Wire.VERSION && type != MessageType.HELLO && type != MessageType.ERROR) {
            throw new MalformedMessageException(
                    type + ": field version is " + version + ", agreed on was " + Wire.VERSION);
        }
        return type;
    }

    /**
     * Becomes the message that lies at the start of a buffer.
     *
     * @param newBuffer holds the message from its first byte on
     * @param bytes how many bytes it has
     * @throws MalformedMessageException if any field breaks a rule
     */
    final void wrap(MemorySegment newBuffer, int bytes) {
        MessageType found = typeOf(newBuffer, bytes);
        if (!accepts(found)) {
            throw new MalformedMessageException(
                    "a message of type " + found + " is no " + getClass().getSimpleName());
        }
        buffer = newBuffer;
        length = bytes;
        type = found;
        validate();
    }

    /** Starts a new message; the body grows by {@link #putString} and by {@link #extend}. */
    final void start(MemorySegment newBuffer, MessageType newType, long correlation) {
        if (!accepts(newType)) {
            throw new IllegalArgumentException(getClass().getSimpleName() + " cannot be a message of type " + newType);
        }
        buffer = newBuffer;
        type = newType;
        length = 0;
        extend(Wire.HEADER_BYTES);
        buffer.set(Wire.U16, TYPE, (short) newType.code());
        buffer.set(Wire.U16, VERSION, (short) Wire.VERSION);
        buffer.set(Wire.U64, CORRELATION, correlation);
    }

    /** Makes the message longer by some bytes of zero, and returns their offset. */
    final int extend(int bytes) {
        int at = length;
        if (bytes > Math.min(buffer.byteSize(), Wire.MAX_MESSAGE_BYTES) - at) {
            throw new IllegalArgumentException(type + ": message of " + (at + bytes) + " bytes does not fit; limit "
                    + Wire.MAX_MESSAGE_BYTES + ", buffer " + buffer.byteSize());
        }
        buffer.asSlice(at, bytes).fill((byte) 0);
        length = at + bytes;
        buffer.set(Wire.U32, LENGTH, length);
        return at;
    }

    /** The message's kind. */
    public final MessageType type() {
        return type;
    }

    /** Number that ties an answer to its question; 0 for a notice. */
    public final long correlation() {
        return buffer.get(Wire.U64, CORRELATION);
    }

    /** Gives the message another correlation: it is sent once more, to somebody else. */
    public final void readdress(long correlation) {
        buffer.set(Wire.U64, CORRELATION, correlation);
    }

    /** Bytes, header included. */
    public final int length() {
        return length;
    }

    /** The message's bytes. */
    public final MemorySegment bytes() {
        return buffer.asSlice(0, length);
    }

    final int u16(int at) {
        return buffer.get(Wire.U16, at) & 0xffff;
    }

    final int i32(int at) {
        return buffer.get(Wire.U32, at);
    }

    final long i64(int at) {
        return buffer.get(Wire.U64, at);
    }

    final void putU16(int at, int value) {
        buffer.set(Wire.U16, at, (short) value);
    }

    final void putI32(int at, int value) {
        buffer.set(Wire.U32, at, value);
    }

    final void putI64(int at, long value) {
        buffer.set(Wire.U64, at, value);
    }

    /** Appends a string; its text must be acceptable to {@link #string}. */
    final void putString(String text, int maxBytes, String field) {
        byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
        if (encoded.length > maxBytes) {
            throw new IllegalArgumentException(
                    type + ": " + field + " has " + encoded.length + " bytes, at most " + maxBytes);
        }
        for (int i = 0; i < text.length(); i++) {
            if (isControl(text.charAt(i))) {
                throw new IllegalArgumentException(
                        type + ": " + field + " holds the control character " + (int) text.charAt(i) + " at " + i);
            }
        }
        int at = extend(2 + encoded.length);
        putU16(at, encoded.length);
        MemorySegment.copy(encoded, 0, buffer, ValueLayout.JAVA_BYTE, at + 2, encoded.length);
    }

    /** The string at an offset; only after {@link #checkString} has seen it. */
    final String string(int at) {
        byte[] encoded = buffer.asSlice(at + 2, u16(at)).toArray(ValueLayout.JAVA_BYTE);
        return new String(encoded, StandardCharsets.UTF_8);
    }

    /** Checks the string at an offset and returns the offset behind it. */
    final int checkString(int at, int maxBytes, String field) {
        need(at, 2, field);
        int bytes = u16(at);
        require(bytes <= maxBytes, field, at, bytes, "at most " + maxBytes + " bytes");
        need(at + 2, bytes, field);
        try {
            ByteBuffer encoded = ByteBuffer.wrap(buffer.asSlice(at + 2, bytes).toArray(ValueLayout.JAVA_BYTE));
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(encoded)
                    .toString();
            for (int i = 0; i < text.length(); i++) {
                require(!isControl(text.charAt(i)), field, at, text.charAt(i), "no control characters");
            }
        } catch (CharacterCodingException e) {
            throw new MalformedMessageException(type + ": field " + field + " at " + at + " is not UTF-8");
        }
        return at + 2 + bytes;
    }

    /** Names and details go into logs and tables, one line each; only text for a terminal has lines. */
    private boolean isControl(char c) {
        boolean layout = type == MessageType.TEXT && (c == '\n' || c == '\t');
        return Character.isISOControl(c) && !layout;
    }

    /** The message goes on for at least some bytes from an offset. */
    final void need(int at, int bytes, String field) {
        if (at + bytes > length) {
            throw new MalformedMessageException(type + ": field " + field + " at " + at + " needs " + bytes
                    + " bytes, and the message ends at " + length);
        }
    }

    /** The message ends exactly here. */
    final void end(int at) {
        if (at != length) {
            throw new MalformedMessageException(type + ": " + (length - at) + " bytes follow its last field at " + at);
        }
    }

    /** A field has a value that the rule allows. */
    final void require(boolean holds, String field, int at, long value, String rule) {
        if (!holds) {
            throw new MalformedMessageException(
                    type + ": field " + field + " at " + at + " is " + value + "; rule: " + rule);
        }
    }

    /** An offset and length that lie in some region: whole pages, at least one. */
    final void requireRange(int at, long offset, long bytes) {
        require(offset >= 0 && offset % Wire.PAGE_BYTES == 0, "offset", at, offset, "zero or more whole pages");
        require(bytes > 0 && bytes % Wire.PAGE_BYTES == 0, "length", at, bytes, "one or more whole pages");
        require(
                bytes <= Wire.MAX_REGION_BYTES && offset <= Wire.MAX_REGION_BYTES - bytes,
                "length",
                at,
                bytes,
                "ends within " + Wire.MAX_REGION_BYTES + " bytes (offset " + offset + ")");
    }

    final void requireRegion(int at, int region) {
        require(region >= 0 && region <= Wire.MAX_REGION_ID, "region", at, region, "0 to " + Wire.MAX_REGION_ID);
    }
}
