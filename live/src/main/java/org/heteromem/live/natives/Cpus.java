package org.heteromem.live.natives;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;

/**
 * Where threads run. A wake on the same CPU costs a fraction of one across CPUs, so a fault handler may want to sit where
 * the fault was. CPUs are counted from 0, up to 2047.
 */
public final class Cpus {
    private static final int MASK_BYTES = 256;

    private Cpus() {}

    /** The CPU that the calling thread runs on right now. Costs some nanoseconds. */
    public static int current() {
        Platform.require();
        return Calls.schedGetcpu();
    }

    /** The CPUs that the calling thread may run on. */
    public static BitSet allowed() {
        return allowed(0);
    }

    /**
     * The CPUs that a thread may run on; a process is known by the first of its threads.
     *
     * @param thread its number, or 0 for the calling one
     * @throws NativeException ESRCH if there is no such thread
     */
    public static BitSet allowed(int thread) {
        Platform.require();
        Scratch s = Scratch.get();
        MemorySegment mask = s.arguments.asSlice(0, MASK_BYTES);
        mask.fill((byte) 0);
        int r = Calls.schedGetaffinity(thread, MASK_BYTES, s.argumentsAddress);
        if (r < 0) {
            throw new NativeException("sched_getaffinity", thread == 0 ? "" : "thread=" + thread, -r);
        }
        return BitSet.valueOf(mask.toArray(ValueLayout.JAVA_LONG));
    }

    /**
     * Binds the calling thread, and only it, to some CPUs. On a virtual thread this binds its carrier: do not.
     *
     * @throws IllegalArgumentException if the set is empty or names a CPU past 2047
     * @throws NativeException EINVAL if none of them is online and allowed
     */
    public static void bind(BitSet cpus) {
        Platform.require();
        if (cpus.isEmpty() || cpus.length() > MASK_BYTES * 8) {
            throw new IllegalArgumentException(
                    "CPU set " + cpus + " is empty or names a CPU past " + (MASK_BYTES * 8 - 1));
        }
        Scratch s = Scratch.get();
        s.arguments.asSlice(0, MASK_BYTES).fill((byte) 0);
        long[] words = cpus.toLongArray();
        for (int i = 0; i < words.length; i++) {
            s.arguments.setAtIndex(ValueLayout.JAVA_LONG, i, words[i]);
        }
        int r = Calls.schedSetaffinity(0, MASK_BYTES, s.argumentsAddress);
        if (r < 0) {
            throw new NativeException("sched_setaffinity", "cpus=" + cpus, -r);
        }
    }
}
