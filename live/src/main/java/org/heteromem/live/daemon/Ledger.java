package org.heteromem.live.daemon;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import org.heteromem.live.natives.Mapping;
import org.heteromem.live.natives.Memfd;

/**
 * What a successor has to know of one region: for each page whether its contents are on a device, and where. One word a
 * page, in memory that outlives the daemon.
 *
 * <pre>
 *   63       62            48 47         46                            0
 *  +--------+----------------+----------+-------------------------------+
 *  | device | number         | disputed | frame, from the device's first |      0: in RAM, or nowhere yet
 *  +--------+----------------+----------+-------------------------------+
 * </pre>
 *
 * Disputed is a place that another word names too: that is noted for all of them before the first is given up, as a successor
 * of who is killed in between would take the last one for right. A page that is lost keeps the number of the device that lost
 * it, and the last bit, until that was said.
 *
 * <p>Pages that come and go are noted at two moments only, and that is never read while the daemon lives (the page table
 * knows):
 *
 * <ul>
 *   <li>a page leaves RAM: after its copy on the device is complete and while it cannot be written, the word is set, and only
 *       then the hole is punched. A page of which RAM still has the contents although the word names a device was caught in
 *       between: both are the same, and RAM's counts;
 *   <li>a page comes home: it is placed first, in one step, and the word is cleared then. Again RAM's contents count.
 * </ul>
 *
 * So for a successor whatever the memfd holds is in RAM, and what it does not hold is where the word says, or was never
 * touched.
 */
final class Ledger implements AutoCloseable {
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();
    private static final long ON_DEVICE = 1L << 63;
    private static final int DEVICE_SHIFT = 48;
    private static final long DISPUTED = 1L << DEVICE_SHIFT - 1;
    private static final long FRAME_MASK = DISPUTED - 1;
    /** Of a page that is on no device. */
    private static final long UNTOLD = 1;

    /** Most devices that a word can tell apart. */
    static final int MAX_DEVICES = 1 << 15;

    private final Memfd memory;
    private final Mapping mapping;
    private final MemorySegment words;
    private final PageSet allocated;
    private final PageSet poisoned;

    private Ledger(Memfd memory, long pages) {
        this.memory = memory;
        if (memory.status().sizeBytes() < bytes(pages)) {
            throw new IllegalStateException("the ledger of a region of " + pages + " pages has "
                    + memory.status().sizeBytes() + " bytes");
        }
        this.mapping = Mapping.shared(memory, 0, bytes(pages));
        this.words = mapping.segment().asSlice(0, pages * Long.BYTES);
        long set = PageSet.bytes(pages);
        this.allocated = new PageSet(mapping.segment().asSlice(pages * Long.BYTES, set));
        this.poisoned = new PageSet(mapping.segment().asSlice(pages * Long.BYTES + set, set));
    }

    private static long bytes(long pages) {
        return pages * Long.BYTES + 2 * PageSet.bytes(pages);
    }

    /** What of the region is in use, as the client says; behind the words. */
    PageSet allocated() {
        return allocated;
    }

    /** Which pages of the region are lost, so that a touch of them is a SIGBUS; behind that. */
    PageSet poisoned() {
        return poisoned;
    }

    /** An empty one. */
    static Ledger create(String name, long pages) {
        return open(Memfd.create(name, bytes(pages)), pages);
    }

    /** One that a predecessor has left. */
    static Ledger open(Memfd memory, long pages) {
        try {
            return new Ledger(memory, pages);
        } catch (RuntimeException e) {
            memory.close();
            throw e;
        }
    }

    Memfd memory() {
        return memory;
    }

    /** A page's contents are complete on a device. */
    void onDevice(long page, int device, long frame) {
        WORD.setRelease(words, page * Long.BYTES, ON_DEVICE | (long) device << DEVICE_SHIFT | frame);
    }

    /** A page is in RAM again, or gone. */
    void atHome(long page) {
        WORD.setRelease(words, page * Long.BYTES, 0L);
    }

    /** More than this page's word names its place. */
    void dispute(long page) {
        WORD.setRelease(words, page * Long.BYTES, (long) WORD.getAcquire(words, page * Long.BYTES) | DISPUTED);
    }

    /** Whether that was noted of a page that is on a device. */
    boolean isDisputed(long page) {
        return ((long) WORD.getAcquire(words, page * Long.BYTES) & DISPUTED) != 0;
    }

    /** A page is nowhere any more, which nobody was told; its place on the device may be another one's. */
    void lost(long page) {
        WORD.setRelease(words, page * Long.BYTES, (long) device(page) << DEVICE_SHIFT | UNTOLD);
    }

    /** Whether a page is lost and nobody was told. */
    boolean isUntold(long page) {
        return isUntoldWord((long) WORD.getAcquire(words, page * Long.BYTES));
    }

    private static boolean isUntoldWord(long word) {
        return word >= 0 && (word & UNTOLD) != 0;
    }

    /** That a page is lost was said; without effect on others. */
    void told(long page) {
        long word = (long) WORD.getAcquire(words, page * Long.BYTES);
        if (isUntoldWord(word)) {
            // Unless it is given up, or has new contents, at this moment.
            WORD.compareAndSet(words, page * Long.BYTES, word, 0L);
        }
    }

    /** Whether a page's contents are on a device. */
    boolean isOnDevice(long page) {
        return (long) WORD.getAcquire(words, page * Long.BYTES) < 0;
    }

    /** Number of the device, of a page that is on one or was lost by it; any number, if the word was damaged. */
    int device(long page) {
        return (int) ((long) WORD.getAcquire(words, page * Long.BYTES) >>> DEVICE_SHIFT) & (MAX_DEVICES - 1);
    }

    /** Frame on the device, counted from its first; any number, if the word was damaged. */
    long frame(long page) {
        return (long) WORD.getAcquire(words, page * Long.BYTES) & FRAME_MASK;
    }

    @Override
    public void close() {
        mapping.close();
        memory.close();
    }
}
