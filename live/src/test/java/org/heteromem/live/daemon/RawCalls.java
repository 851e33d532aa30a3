package org.heteromem.live.daemon;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;

/** System calls that no well-behaved client makes, and that the library does not offer therefore. */
public final class RawCalls {
    private static final MethodHandle SYSCALL = Linker.nativeLinker()
            .downcallHandle(
                    Linker.nativeLinker().defaultLookup().findOrThrow("syscall"),
                    FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
                    Linker.Option.firstVariadicArg(1));

    private static final boolean ARM = System.getProperty("os.arch").equals("aarch64");
    private static final long MREMAP = ARM ? 216 : 25;
    private static final long MADVISE = ARM ? 233 : 28;
    private static final long MLOCKALL = ARM ? 230 : 151;
    private static final long MUNLOCKALL = ARM ? 231 : 152;
    private static final long FCNTL = ARM ? 25 : 72;
    private static final int F_SETFL = 4;
    private static final int O_RDWR = 2;
    private static final int MREMAP_MAYMOVE = 1;
    private static final int MCL_FUTURE = 2;
    /** Takes pages out of the page table. */
    public static final int MADV_DONTNEED = 4;
    /** Drops pages of shared memory for all. */
    static final int MADV_REMOVE = 9;

    private RawCalls() {}

    private static long call(long number, long a, long b, long c, long d) {
        try {
            return (long) SYSCALL.invokeExact(number, a, b, c, d, 0L);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    public static void advise(long address, long bytes, int advice) {
        if (call(MADVISE, address, bytes, advice, 0) != 0) {
            throw new IllegalStateException("madvise " + advice);
        }
    }

    /** Has this process lock all that it will map. */
    public static void lockWhatComes() {
        if (call(MLOCKALL, MCL_FUTURE, 0, 0, 0) != 0) {
            throw new IllegalStateException("mlockall");
        }
    }

    /** Ends that. */
    public static void unlockAll() {
        if (call(MUNLOCKALL, 0, 0, 0, 0) != 0) {
            throw new IllegalStateException("munlockall");
        }
    }

    /** Moves a mapping, or makes it shorter. */
    static void remap(long address, long bytes, long newBytes) {
        call(MREMAP, address, bytes, newBytes, MREMAP_MAYMOVE);
    }

    /** Lets reads of a descriptor wait. */
    static void block(int descriptor) {
        if (call(FCNTL, descriptor, F_SETFL, O_RDWR, 0) != 0) {
            throw new IllegalStateException("fcntl(F_SETFL)");
        }
    }
}
