package org.heteromem.live.daemon;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.heteromem.core.Page;
import org.heteromem.devices.storage.CompressedStore;

/**
 * How a daemon's JVM is started: {@code jvm.options} beside this class, which the {@code heteromem} command gives to its own JVM
 * too where that is to be a daemon, and the size of the heap.
 */
public final class JvmOptions {
    /** For the java command of any daemon, {@link DaemonMain} above all; the size of its heap is up to who starts it. */
    public static final List<String> ALL = read("jvm.options");

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

    /** The words of an argument file that has one a line. */
    private static List<String> read(String file) {
        try (InputStream in = JvmOptions.class.getResourceAsStream(file)) {
            if (in == null) {
                throw new IllegalStateException(file + " is missing beside " + JvmOptions.class.getName());
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file, e);
        }
    }

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
