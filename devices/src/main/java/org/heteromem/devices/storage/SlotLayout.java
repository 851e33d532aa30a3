package org.heteromem.devices.storage;

import org.heteromem.core.Page;

/**
 * Where the bytes of a compressed page are: the word in the index, and the head of a slot.
 *
 * <pre>
 *  index word, 0 for nothing
 *   63  62 61     57 56            25 24        13 12        0
 *  +------+---------+----------------+------------+-----------+
 *  | kind | class   | slot / 64      | length - 1 | check     |   SLOT
 *  | kind | 0       | 0                           | check     |   FILL, every word of the page is 0
 *  | kind | 1       | low bits of mix(value)      | check     |   FILL, value in the table of fills
 *  | kind | 0       | 0                           | check     |   LOST
 *  +------+---------+-----------------------------+-----------+
 *
 *  slot: | page number (4) | CRC32C of the bytes (4) | bytes (length) |
 * </pre>
 *
 * The check covers the word and the page's number, so that a word that was damaged or misplaced is found out before
 * anything it says is believed; the slot says whose it is. A page as long as a page is stored as it is.
 */
final class SlotLayout {
    /** Bytes of slabs have one size each. */
    static final int SLAB_BYTES = 1 << 18;
    /** Bytes in front of a page's bytes. */
    static final int HEAD = 8;
    /** The class of pages that are stored as they are. */
    static final int RAW_CLASS = 30;
    /** How many classes there are. */
    static final int CLASSES = RAW_CLASS + 1;
    /** The longest compressed page worth its name. */
    static final int MAX_PACKED = 3584 - HEAD;
    /** The most bytes of slabs that a word can point into. */
    static final long MAX_BYTES = 1L << 38;

    static final int SLOT = 1;
    static final int FILL = 2;
    static final int LOST = 3;

    private static final int GRANULE_SHIFT = 6;
    private static final int KIND_SHIFT = 62;
    private static final int CLASS_SHIFT = 57;
    private static final int CLASS_MASK = 31;
    private static final int GRANULE_POSITION = 25;
    private static final long GRANULE_MASK = 0xFFFF_FFFFL;
    private static final int CHECK_BITS = 13;
    private static final long CHECK_MASK = (1L << CHECK_BITS) - 1;
    private static final int LENGTH_MASK = Page.SIZE - 1;
    private static final long VALUE_MASK = ((1L << CLASS_SHIFT) - 1) & ~CHECK_MASK;

    private SlotLayout() {}

    /** {@return the class of slots for so many bytes: steps of 64 to 1 KiB, 128 to 2 KiB, 256 to 3.5 KiB, then whole pages} */
    static int classOf(int length) {
        int need = length + HEAD;
        if (need <= 1024) {
            return (need - 1) / 64;
        }
        if (need <= 2048) {
            return 16 + (need - 1025) / 128;
        }
        return need <= 3584 ? 24 + (need - 2049) / 256 : RAW_CLASS;
    }

    /** {@return the bytes of a slot} */
    static int slotBytes(int slotClass) {
        if (slotClass < 16) {
            return 64 * (slotClass + 1);
        }
        if (slotClass < 24) {
            return 1024 + 128 * (slotClass - 15);
        }
        return slotClass < RAW_CLASS ? 2048 + 256 * (slotClass - 23) : Page.SIZE + 64;
    }

    private static long mix(long x) {
        long z = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    private static long sealed(long body, long page) {
        return body | (mix(body + page * 0x9E3779B97F4A7C15L) & CHECK_MASK);
    }

    static long slotWord(long page, int slotClass, long offset, int length) {
        return sealed(
                (long) SLOT << KIND_SHIFT
                        | (long) slotClass << CLASS_SHIFT
                        | offset >>> GRANULE_SHIFT << GRANULE_POSITION
                        | (long) (length - 1) << CHECK_BITS,
                page);
    }

    static long fillWord(long page, long value) {
        long body = (long) FILL << KIND_SHIFT;
        return sealed(value == 0 ? body : body | 1L << CLASS_SHIFT | mix(value) & VALUE_MASK, page);
    }

    static long lostWord(long page) {
        return sealed((long) LOST << KIND_SHIFT, page);
    }

    /** {@return whether a word is one that was written for this page} */
    static boolean sound(long word, long page) {
        return sealed(word & ~CHECK_MASK, page) == word;
    }

    static int kind(long word) {
        return (int) (word >>> KIND_SHIFT);
    }

    static int slotClass(long word) {
        return (int) (word >>> CLASS_SHIFT) & CLASS_MASK;
    }

    static long offset(long word) {
        return (word >>> GRANULE_POSITION & GRANULE_MASK) << GRANULE_SHIFT;
    }

    static int length(long word) {
        return ((int) (word >>> CHECK_BITS) & LENGTH_MASK) + 1;
    }

    /** {@return whether a slot word can mean a slot in so many bytes of slabs} */
    static boolean plausible(long word, long slabBytes) {
        int slotClass = slotClass(word);
        if (slotClass >= CLASSES) {
            return false;
        }
        long offset = offset(word);
        long inSlab = offset % SLAB_BYTES;
        int bytes = slotBytes(slotClass);
        return offset / SLAB_BYTES < slabBytes / SLAB_BYTES
                && inSlab % bytes == 0
                && inSlab + bytes <= SLAB_BYTES
                && length(word) + HEAD <= bytes;
    }

    /** {@return whether the value of a fill is kept in the table} */
    static boolean hasValue(long word) {
        return slotClass(word) != 0;
    }

    static boolean isValue(long word, long value) {
        return (mix(value) & VALUE_MASK) == (word & VALUE_MASK);
    }

    static long head(long page, int checksum) {
        return page << Integer.SIZE | Integer.toUnsignedLong(checksum);
    }

    static long pageOf(long head) {
        return head >>> Integer.SIZE;
    }

    static int checksumOf(long head) {
        return (int) head;
    }
}
