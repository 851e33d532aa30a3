package org.heteromem.core.frame;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.heteromem.core.Page;
import org.jspecify.annotations.Nullable;

/** A run of frames with one owner and one store. Metadata comes in sections, made at first use (sparse memory model). */
public final class FrameRange {
    /** log2 of the frames in a section: 16 MiB of memory. */
    static final int SECTION_SHIFT = 12;

    static final int SECTION_FRAMES = 1 << SECTION_SHIFT;
    private static final VarHandle SECTION = MethodHandles.arrayElementVarHandle(Section[].class);

    /** Number of the first frame. */
    public final long first;
    /** How many frames. */
    public final long count;
    /** Who they belong to. */
    public final FrameOwner owner;

    private final Section[] sections;

    FrameRange(long first, long count, FrameOwner owner) {
        this.first = first;
        this.count = count;
        this.owner = owner;
        this.sections = new Section[Math.toIntExact((count + SECTION_FRAMES - 1) >>> SECTION_SHIFT)];
    }

    boolean contains(long frame) {
        return Long.compareUnsigned(frame - first, count) < 0;
    }

    Section section(long frame) {
        int index = (int) ((frame - first) >>> SECTION_SHIFT);
        Section section = (Section) SECTION.getAcquire(sections, index);
        if (section != null) {
            return section;
        }
        Section made = new Section(this, first + ((long) index << SECTION_SHIFT));
        Section other = (Section) SECTION.compareAndExchange(sections, index, null, made);
        return other == null ? made : other;
    }

    /** The metadata of a frame if it was ever touched: looking makes none. */
    @Nullable
    Section sectionIfAny(long frame) {
        return (Section) SECTION.getAcquire(sections, (int) ((frame - first) >>> SECTION_SHIFT));
    }

    /**
     * {@return the offset of a frame's bytes in the owner's store}
     *
     * @param frame a frame of this range
     */
    public long offset(long frame) {
        return (frame - first) << Page.SHIFT;
    }

    /** Frames of which metadata exists; for measuring. */
    long sectionsInUse() {
        long n = 0;
        for (int i = 0; i < sections.length; i++) {
            n += SECTION.getAcquire(sections, i) == null ? 0 : 1;
        }
        return n;
    }
}
