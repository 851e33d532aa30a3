package org.heteromem.core.frame;

import static org.heteromem.stress.model.ModelCheck.catches;
import static org.heteromem.stress.model.ModelCheck.holds;
import static org.heteromem.stress.model.ModelCheck.require;
import static org.heteromem.stress.model.ModelCheck.together;

import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The copy that a clean page has on a device, when the first store to the page meets the device that needs the room. */
@Tag("lincheck")
class CopiesModelTest {
    private static final long PAGE = 0;
    private static final long COPY = 1;

    private final Machines.CountingOwner owner = new Machines.CountingOwner();
    private final FrameTable table = new FrameTable();

    /** Whoever takes the copy from its page gives it back: exactly one of the two. */
    private void givenBackOnce(ToLongFunction<FrameTable> takeCopy) {
        owner.freed = 0;
        FrameTable frames = Machines.cleared(table);
        frames.add(PAGE, 2, owner);
        frames.prepare(PAGE, 0);
        frames.prepare(COPY, 0);
        frames.setCopy(PAGE, COPY);
        together(
                () -> {
                    long copy = takeCopy.applyAsLong(frames);
                    if (copy != 0) {
                        drop(frames, copy);
                    }
                },
                () -> {
                    long page = frames.copiedFrom(COPY);
                    if (page >= 0 && frames.takeCopy(page, COPY)) {
                        drop(frames, COPY);
                    }
                });
        require(frames.copyOf(PAGE) == 0, "the page still has a copy");
        require(owner.freed == 1, "the copy was given back " + owner.freed + " times");
    }

    private static void drop(FrameTable frames, long copy) {
        try {
            frames.dropCopy(copy);
        } catch (IllegalStateException e) {
            require(false, "the copy was given back twice: " + e.getMessage());
        }
    }

    @Test
    void aStoreAndADeviceThatNeedsRoomDoNotBothGiveACopyBack() {
        holds(() -> givenBackOnce(frames -> frames.takeCopy(PAGE)));
        catches(() -> givenBackOnce(frames -> {
            long copy = frames.copyOf(PAGE);
            frames.takeCopy(PAGE);
            return copy;
        }));
    }
}
