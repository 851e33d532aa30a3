package org.heteromem.live.wire;

import java.lang.foreign.MemorySegment;

/**
 * {@code LAUNCH}: run a kernel, a class by its name, on a device.
 *
 * <pre>
 *   16              20
 *   +---------------+---------------------------------------- - -
 *   | arguments     |  each: kind 4, 0 4, first 8, second 8
 *   +---------------+---------------------------------------- - -
 *   | device (string) | class name (string)
 *   +------------------------------------------------------- - -
 * </pre>
 *
 * <p>A number is in the first word; memory has its address in the first and its length in the second.
 */
public final class Launch extends Message {
    /** Kinds of argument. */
    public enum Kind {
        /** A 64-bit integer. */
        LONG(0),
        /** A double, by its bits. */
        DOUBLE(1),
        /** Memory of the client: address and length. */
        MEMORY(2);

        private final int code;

        Kind(int code) {
            this.code = code;
        }
    }

    private static final Kind[] KINDS = Kind.values();
    private static final int COUNT = 16;
    private static final int ARGUMENTS = 20;
    private static final int ARGUMENT_BYTES = 24;

    private int device;
    private int className;

    /**
     * Starts one in a buffer, without arguments yet; {@link #target} ends it.
     */
    public Launch begin(MemorySegment buffer, long correlation) {
        start(buffer, MessageType.LAUNCH, correlation);
        extend(ARGUMENTS - Wire.HEADER_BYTES);
        return this;
    }

    /** Adds an integer. */
    public Launch add(long value) {
        return add(Kind.LONG, value, 0);
    }

    /** Adds a double. */
    public Launch add(double value) {
        return add(Kind.DOUBLE, Double.doubleToRawLongBits(value), 0);
    }

    /**
     * Adds memory of the client.
     *
     * @param address not 0
     * @param bytes at least 1
     */
    public Launch addMemory(long address, long bytes) {
        return add(Kind.MEMORY, address, bytes);
    }

    private Launch add(Kind kind, long first, long second) {
        int count = i32(COUNT);
        require(count < Wire.MAX_ARGUMENTS, "arguments", COUNT, count + 1L, "at most " + Wire.MAX_ARGUMENTS);
        int at = extend(ARGUMENT_BYTES);
        putI32(at, kind.code);
        putI64(at + 8, first);
        putI64(at + 16, second);
        putI32(COUNT, count + 1);
        return this;
    }

    /** Ends it with what is to run where. */
    public Launch target(String deviceName, String kernelClass) {
        putString(deviceName, Wire.MAX_NAME_BYTES, "device");
        putString(kernelClass, Wire.MAX_CLASS_NAME_BYTES, "class name");
        validate();
        return this;
    }

    @Override
    boolean accepts(MessageType candidate) {
        return candidate == MessageType.LAUNCH;
    }

    @Override
    void validate() {
        need(COUNT, 4, "arguments");
        int count = i32(COUNT);
        require(count >= 0 && count <= Wire.MAX_ARGUMENTS, "arguments", COUNT, count, "0 to " + Wire.MAX_ARGUMENTS);
        need(ARGUMENTS, count * ARGUMENT_BYTES, "arguments");
        for (int i = 0; i < count; i++) {
            int at = ARGUMENTS + i * ARGUMENT_BYTES;
            int kind = i32(at);
            require(kind >= 0 && kind < KINDS.length, "kind", at, kind, "0 to " + (KINDS.length - 1));
            require(i32(at + 4) == 0, "reserved", at + 4, i32(at + 4), "0");
            if (KINDS[kind] == Kind.MEMORY) {
                long address = i64(at + 8);
                long bytes = i64(at + 16);
                require(address > 0 && address < Wire.MAX_REGION_BYTES, "address", at + 8, address, "in user space");
                require(
                        bytes > 0 && bytes <= Wire.MAX_REGION_BYTES - address,
                        "length",
                        at + 16,
                        bytes,
                        "at least 1, and ends in user space");
            } else {
                require(i64(at + 16) == 0, "second word", at + 16, i64(at + 16), "0 for a number");
            }
        }
        device = ARGUMENTS + count * ARGUMENT_BYTES;
        className = checkString(device, Wire.MAX_NAME_BYTES, "device");
        end(checkString(className, Wire.MAX_CLASS_NAME_BYTES, "class name"));
        require(u16(className) > 0, "class name", className, 0, "not empty");
    }

    /** How many arguments. */
    public int count() {
        return i32(COUNT);
    }

    /** Kind of an argument. */
    public Kind kind(int index) {
        return KINDS[i32(ARGUMENTS + index * ARGUMENT_BYTES)];
    }

    /** An integer argument. */
    public long longValue(int index) {
        return word(index, Kind.LONG, 8);
    }

    /** A double argument. */
    public double doubleValue(int index) {
        return Double.longBitsToDouble(word(index, Kind.DOUBLE, 8));
    }

    /** First address of a memory argument, in the client. */
    public long address(int index) {
        return word(index, Kind.MEMORY, 8);
    }

    /** Bytes of a memory argument. */
    public long memoryBytes(int index) {
        return word(index, Kind.MEMORY, 16);
    }

    private long word(int index, Kind wanted, int offset) {
        if (kind(index) != wanted) {
            throw new IllegalStateException("argument " + index + " is of kind " + kind(index) + ", not " + wanted);
        }
        return i64(ARGUMENTS + index * ARGUMENT_BYTES + offset);
    }

    /** Name of the device; empty for the only one. */
    public String device() {
        return string(device);
    }

    /** Name of the kernel's class. */
    public String className() {
        return string(className);
    }
}
