package org.heteromem.live.daemon;

import java.util.List;
import org.heteromem.core.Page;
import org.heteromem.devices.storage.CompressedStore;

/**
 * How a daemon's JVM is started. Its memory and its CPU time are taken from the program it serves, and most programs are over
 * before an optimizing compiler has paid for itself.
 */
public final class JvmOptions {
    /** For the java command of any daemon, {@link DaemonMain} above all; the size of its heap is up to who starts it. */
    public static final List<String> ALL = List.of(
            "-XX:+UseSerialGC",
            // It allocates little, and nothing on the path of a fault: a small young generation is soon collected.
            "-Xms8m",
            "-Xmn4m",
            "-XX:-UsePerfData",
            // Classes of the JDK stay pages of the file, the same for daemon and keeper, and need not be patched.
            "-XX:+UnlockDiagnosticVMOptions",
            "-XX:ArchiveRelocationMode=0",
            // With a thread less it would serve nobody, or everybody wrongly; whoever takes over has all that counts.
            "-XX:+ExitOnOutOfMemoryError",
            // What the compilers have freed goes back to the system.
            "-XX:TrimNativeHeapInterval=1000",
            // C2 compiled 500 methods in the first seconds, for more CPU time than all faults and evictions took.
            // What is called this often is worth it; the rest is as quick as C1 makes it.
            "-XX:Tier4InvocationThreshold=60000",
            "-XX:Tier4MinInvocationThreshold=10000",
            "-XX:Tier4CompileThreshold=120000",
            // Its loops are compiled with their methods, or only call what is compiled by itself;
            // a kernel's may go on for long, and waits a little longer for C2.
            "-XX:Tier4BackEdgeThreshold=4000000",
            // No method waits in slow profiled code while C2 is busy.
            "-XX:Tier3DelayOn=0",
            // It runs on the JVM of the program, which may be a later one that has lost one of these.
            "-XX:+IgnoreUnrecognizedVMOptions");

    /** What a daemon needs that manages nothing, and what it makes while it moves pages. */
    private static final long BASE_HEAP_BYTES = 24L << 20;

    /**
     * For a page of a program, wherever it is: the metadata of the frame that is its home (28), where its copy is (8), its
     * entry in the page table (8), and its part of what a region needs.
     */
    private static final long HEAP_BYTES_OF_PAGE = 50;

    /** For one that a device holds, or has a copy of: the metadata of its frame there (28), and its place in two orders. */
    private static final long HEAP_BYTES_OF_DEVICE_PAGE = 50;

    /** For a page of a program that a kernel may touch: its block, and its entry in the device's table. */
    private static final long HEAP_BYTES_OF_KERNEL_PAGE = 14;

    /** For what kernels allocate. */
    private static final long HEAP_BYTES_OF_KERNELS = 64L << 20;

    /** How a device begins that compresses. */
    private static final String COMPRESSED = "compressed";

    private JvmOptions() {}

    /**
     * {@return how many bytes of pages a storage device may hold: more than it occupies, if it compresses}
     *
     * @param device how it begins, such as {@code compressed:zstd}
     * @param bytes that it occupies at most
     */
    public static long slotBytes(String device, long bytes) {
        return device.startsWith(COMPRESSED) ? bytes * CompressedStore.ADDRESS_SPACE_FACTOR : bytes;
    }

    /**
     * {@return the heap that a daemon needs with all that it manages in use, touched in any order} Not counted are freed parts of
     * regions that go on: their tables stay with the region.
     *
     * @param ramBytes of RAM that it may give
     * @param overflowBytes that its storage devices occupy
     * @param slotBytes of pages that those may hold, by {@link #slotBytes}
     * @param acceleratorBytes of a device that computes, or 0
     */
    public static long heapBytes(long ramBytes, long overflowBytes, long slotBytes, long acceleratorBytes) {
        long pages = Page.of(ramBytes + overflowBytes);
        // A page is on one device at most, or has a copy there.
        long heap = BASE_HEAP_BYTES
                + pages * HEAP_BYTES_OF_PAGE
                + Math.min(Page.of(slotBytes), pages) * HEAP_BYTES_OF_DEVICE_PAGE;
        if (acceleratorBytes == 0) {
            return heap;
        }
        return heap
                + Page.of(acceleratorBytes) * HEAP_BYTES_OF_DEVICE_PAGE
                + pages * HEAP_BYTES_OF_KERNEL_PAGE
                + HEAP_BYTES_OF_KERNELS;
    }
}
