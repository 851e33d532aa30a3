package org.heteromem.live.natives;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One small native buffer a thread: the captured errno and the structures that calls point to.
 *
 * <p>A call writes its argument structure here and reads the answer back before it returns, so nothing is allocated on
 * the way of a fault and nobody else can see the buffer. The memory belongs to an automatic arena and goes with its
 * thread. Never keep a {@code Scratch} across a call into other code of this package: it is overwritten there.
 */
final class Scratch {
    /** Bytes for argument structures; the largest is {@code struct statx} with 256. */
    static final int ARGUMENT_BYTES = 512;

    /** Bytes for a socket's control message with descriptors. */
    static final int CONTROL_BYTES = 256;

    private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);

    /** Where the linker leaves errno. */
    final MemorySegment capture;

    /** Argument structures, at offset 0 unless the caller says otherwise. */
    final MemorySegment arguments;

    /** Native address of {@link #arguments}. */
    final long argumentsAddress;

    /** Control messages of sendmsg and recvmsg. */
    final MemorySegment control;

    private Scratch() {
        Arena arena = Arena.ofAuto();
        capture = arena.allocate(Calls.CAPTURE_LAYOUT);
        arguments = arena.allocate(ARGUMENT_BYTES, 64);
        argumentsAddress = arguments.address();
        control = arena.allocate(CONTROL_BYTES, 64);
    }

    static Scratch get() {
        return OF_THREAD.get();
    }
}
