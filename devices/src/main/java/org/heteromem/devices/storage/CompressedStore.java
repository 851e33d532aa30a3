package org.heteromem.devices.storage;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.function.LongPredicate;
import org.heteromem.core.Page;
import org.jspecify.annotations.Nullable;

/**
 * Pages in memory, compressed (Linux: zram and zsmalloc). A page of which every word is the same costs its entry in the index
 * and nothing else; one that does not compress is stored as it is.
 *
 * <p>What survives a sudden end: the index, the values of filled pages, and the slabs. A page is written to a slot that
 * nobody uses, then its word in the index is exchanged in one release store, then the old slot is free: at every instant the
 * index names the old contents or the new ones, complete. The word carries a check and the slot its page's number and a
 * checksum, so damage costs the page it hits.
 *
 * <p>Sizes: 8 bytes of index a page (touched where used), 8 in front of each slot, 8 for a filled page that is not zero.
 * Compression runs under no lock. Thread-safe on disjoint pages.
 */
public final class CompressedStore implements PageStore {
    /** How many bytes of pages there is address space for, as a multiple of the memory. */
    public static final int ADDRESS_SPACE_FACTOR = 4;

    /** Which part of the slabs, and how many besides, are not counted on. */
    private static final int SPARE_PART = 16;

    private static final int SPARE_SLABS = 2;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfLong ANY_LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    private final String name;
    private final long pages;
    private final PageCodec.Pool codecs;
    private final PageWords index;
    private final MemorySegment fills;
    private final MemorySegment memory;
    private final Slabs slabs;

    /**
     * Makes a store.
     *
     * @param name its name
     * @param bytes how much memory compressed pages may occupy: at least a slab of 256 KiB, rounded down to whole ones
     * @param compression how pages are compressed
     * @param port where the memory comes from
     */
    public CompressedStore(String name, long bytes, Compression compression, StoreMemory port) {
        this(name, bytes, compression, port, new StorageBuffers());
    }

    CompressedStore(String name, long bytes, Compression compression, StoreMemory port, StorageBuffers buffers) {
        long slabBytes = bytes / SlotLayout.SLAB_BYTES * SlotLayout.SLAB_BYTES;
        if (slabBytes <= 0 || slabBytes > SlotLayout.MAX_BYTES) {
            throw new IllegalArgumentException("compressed device '" + name + "' of " + bytes + " bytes: from "
                    + SlotLayout.SLAB_BYTES + " to " + SlotLayout.MAX_BYTES + " are possible");
        }
        this.name = name;
        this.codecs = buffers.codecs(compression);
        this.pages = Math.min(Page.of(slabBytes) * ADDRESS_SPACE_FACTOR, ArrivalQueue.MAX_SLOTS);
        this.index = new PageWords(
                name, "index", pages, slabBytes | codecs.compression().ordinal(), port);
        this.fills = port.memory(name + ".fills", Page.address(Page.count(pages * Long.BYTES)));
        String slabName = name + ".slabs";
        this.memory = port.memory(slabName, slabBytes);
        this.slabs = new Slabs(slabBytes, (offset, length) -> port.release(slabName, offset, length));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String description() {
        Compression compression = codecs.compression();
        return name + ": " + memory.byteSize() + " bytes of memory compressed by " + compression.label()
                + (compression.isNative() ? " (native)" : " (Java, because the native library cannot be loaded)")
                + ", room for up to " + byteSize() + " bytes of pages";
    }

    @Override
    public long byteSize() {
        return Page.address(pages);
    }

    @Override
    public long chunkBytes() {
        return Staging.BYTES;
    }

    @Override
    public @Nullable MemorySegment segment(long offset) {
        return null;
    }

    @Override
    public long bytesUsed() {
        return slabs.bytesUsed();
    }

    /** {@return how many bytes of memory hold slots in use, free slots between them included} */
    public long bytesHeld() {
        return slabs.bytesHeld();
    }

    @Override
    public long capacityBytes() {
        return memory.byteSize();
    }

    @Override
    public long guaranteedBytes() {
        // Pages that do not compress are stored as they are, with a head in front, and so many fit into a slab. Some
        // slabs are partly empty, since pages of other sizes were there before.
        long each = SlotLayout.SLAB_BYTES / SlotLayout.slotBytes(SlotLayout.RAW_CLASS);
        long slabCount = capacityBytes() / SlotLayout.SLAB_BYTES;
        return Math.max(0, slabCount - slabCount / SPARE_PART - SPARE_SLABS) * each * Page.SIZE;
    }

    // ---- index -------------------------------------------------------------------------------------------------

    /** Makes new contents the page's, and then the place of the old ones free. */
    private void commit(long page, long word) {
        long old = index.get(page);
        index.set(page, word);
        freeSlot(page, old);
    }

    /** {@return whether a slot word means a slot, and the slot agrees} */
    private boolean owns(long page, long word) {
        return SlotLayout.sound(word, page)
                && SlotLayout.kind(word) == SlotLayout.SLOT
                && SlotLayout.plausible(word, memory.byteSize())
                && SlotLayout.pageOf(memory.get(LONG, SlotLayout.offset(word))) == page;
    }

    private void freeSlot(long page, long word) {
        if (word != 0 && owns(page, word)) {
            slabs.free(SlotLayout.offset(word), SlotLayout.slotClass(word));
        }
    }

    // ---- write -------------------------------------------------------------------------------------------------

    @Override
    public void write(long offset, MemorySegment source, long sourceOffset, long bytes) {
        PageCodec codec = codecs.take();
        try {
            for (long done = 0; done < bytes; done += Page.SIZE) {
                writePage(Page.of(offset + done), source, sourceOffset + done, codec);
            }
        } finally {
            codecs.give(codec);
        }
    }

    @Override
    public void zero(long offset, long bytes) {
        for (long done = 0; done < bytes; done += Page.SIZE) {
            long page = Page.of(offset + done);
            commit(page, SlotLayout.fillWord(page, 0));
        }
    }

    private void writePage(long page, MemorySegment source, long at, PageCodec codec) {
        long value = source.get(ANY_LONG, at);
        if (isFilled(source, at, value) && writeFill(page, value)) {
            return;
        }
        int length = codec.compress(source, at);
        MemorySegment bytes = codec.packed();
        int checksum;
        if (length > SlotLayout.MAX_PACKED) {
            length = Page.SIZE;
            bytes = codec.page();
            // What is checked is what is kept: a copy.
            MemorySegment.copy(source, at, bytes, 0, Page.SIZE);
            checksum = codec.pageChecksum();
        } else {
            checksum = codec.packedChecksum(length);
        }
        long slot = slabs.allocate(SlotLayout.classOf(length));
        if (slot == Slabs.NONE) {
            throw new StorageFullException(name, Page.address(page), bytesUsed(), capacityBytes());
        }
        memory.set(LONG, slot, SlotLayout.head(page, checksum));
        MemorySegment.copy(bytes, 0, memory, slot + SlotLayout.HEAD, length);
        commit(page, SlotLayout.slotWord(page, slabs.classAt(slot), slot, length));
    }

    private static boolean isFilled(MemorySegment source, long at, long value) {
        // The last word first: most pages that begin alike end differently.
        if (source.get(ANY_LONG, at + Page.SIZE - Long.BYTES) != value) {
            return false;
        }
        for (long i = Long.BYTES; i < Page.SIZE; i += Long.BYTES) {
            if (source.get(ANY_LONG, at + i) != value) {
                return false;
            }
        }
        return true;
    }

    /** {@return whether the page is stored: not if its old value would be lost before the new one counts} */
    private boolean writeFill(long page, long value) {
        if (value != 0) {
            long old = index.get(page);
            if (SlotLayout.kind(old) == SlotLayout.FILL && SlotLayout.hasValue(old)) {
                return false;
            }
            fills.set(LONG, page * Long.BYTES, value);
        }
        commit(page, SlotLayout.fillWord(page, value));
        return true;
    }

    // ---- read --------------------------------------------------------------------------------------------------

    @Override
    public void read(long offset, MemorySegment target, long targetOffset, long bytes) {
        PageCodec codec = codecs.take();
        try {
            for (long done = 0; done < bytes; done += Page.SIZE) {
                readPage(Page.of(offset + done), target, targetOffset + done, codec);
            }
        } finally {
            codecs.give(codec);
        }
    }

    private CorruptPageException corrupt(long page, String reason) {
        return new CorruptPageException(name, Page.address(page), reason);
    }

    private void readPage(long page, MemorySegment target, long at, PageCodec codec) {
        long word = index.get(page);
        if (word == 0) {
            throw corrupt(page, "nothing is stored for it");
        }
        if (!SlotLayout.sound(word, page)) {
            throw corrupt(page, "its index entry 0x" + Long.toHexString(word) + " is damaged");
        }
        switch (SlotLayout.kind(word)) {
            case SlotLayout.FILL -> readFill(page, word, target, at);
            case SlotLayout.SLOT -> readSlot(page, word, target, at, codec);
            default -> throw corrupt(page, "it was found damaged when the store was opened");
        }
    }

    private void readFill(long page, long word, MemorySegment target, long at) {
        long value = SlotLayout.hasValue(word) ? fills.get(LONG, page * Long.BYTES) : 0;
        if (SlotLayout.hasValue(word) && !SlotLayout.isValue(word, value)) {
            throw corrupt(page, "the value that fills it is damaged");
        }
        for (long i = 0; i < Page.SIZE; i += Long.BYTES) {
            target.set(ANY_LONG, at + i, value);
        }
    }

    private void readSlot(long page, long word, MemorySegment target, long at, PageCodec codec) {
        if (!owns(page, word)) {
            throw corrupt(page, "its index entry 0x" + Long.toHexString(word) + " names a place that is not its own");
        }
        long slot = SlotLayout.offset(word);
        int length = SlotLayout.length(word);
        int expected = SlotLayout.checksumOf(memory.get(LONG, slot));
        // What is checked is what is used: a copy, not memory that could change in between.
        boolean raw = length == Page.SIZE;
        MemorySegment.copy(memory, slot + SlotLayout.HEAD, raw ? codec.page() : codec.packed(), 0, length);
        int found = raw ? codec.pageChecksum() : codec.packedChecksum(length);
        if (found != expected) {
            throw corrupt(
                    page,
                    "checksum 0x" + Integer.toHexString(found) + " of its " + length + " bytes at 0x"
                            + Long.toHexString(slot) + " is not 0x" + Integer.toHexString(expected));
        }
        if (!raw && !codec.decompress(length)) {
            throw corrupt(page, "its " + length + " bytes cannot be decompressed");
        }
        MemorySegment.copy(codec.page(), 0, target, at, Page.SIZE);
    }

    @Override
    public boolean holds(long offset) {
        long page = Page.of(offset);
        long word = index.get(page);
        return word != 0 && SlotLayout.sound(word, page) && SlotLayout.kind(word) != SlotLayout.LOST;
    }

    @Override
    public void discard(long offset, long bytes) {
        for (long done = 0; done < bytes; done += Page.SIZE) {
            long page = Page.of(offset + done);
            long old = index.get(page);
            if (old != 0) {
                index.set(page, 0);
                freeSlot(page, old);
            }
        }
    }

    @Override
    public boolean trim() {
        return slabs.trim();
    }

    @Override
    public List<String> audit() {
        SlabAudit audit = new SlabAudit(name, slabs);
        for (long page = 0; page < pages; page++) {
            long word = index.get(page);
            if (word != 0 && owns(page, word)) {
                audit.slot(page, SlotLayout.offset(word), SlotLayout.slotClass(word));
            }
        }
        return audit.wrong();
    }

    // ---- after a restart ---------------------------------------------------------------------------------------

    @Override
    public long recover(LongPredicate used) {
        long kept = index.recover(used, this::recovered);
        slabs.adopted();
        return kept;
    }

    private boolean recovered(long page, long word) {
        boolean sound = SlotLayout.sound(word, page)
                && (SlotLayout.kind(word) == SlotLayout.FILL
                        || (owns(page, word) && slabs.adopt(SlotLayout.offset(word), SlotLayout.slotClass(word))));
        if (!sound) {
            index.set(page, SlotLayout.lostWord(page));
        }
        return sound;
    }

    /** The memory belongs to whoever gave it. */
    @Override
    public void close() {}
}
