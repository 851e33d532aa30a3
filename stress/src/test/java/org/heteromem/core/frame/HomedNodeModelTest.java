package org.heteromem.core.frame;

import static org.heteromem.stress.model.ModelCheck.catches;
import static org.heteromem.stress.model.ModelCheck.holds;
import static org.heteromem.stress.model.ModelCheck.require;
import static org.heteromem.stress.model.ModelCheck.together;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.ToLongFunction;
import org.heteromem.core.Page;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.memory.FrameBudget;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Frames that are given by addresses, and the budget that they are charged to. */
@Tag("lincheck")
class HomedNodeModelTest {
    private static final long PAGE = 5;

    private final FrameTable table = new FrameTable();
    private final ArenaStore store = new ArenaStore(Page.SIZE);

    @AfterEach
    void close() {
        store.close();
    }

    private HomedNode oneFrame(FrameBudget budget) {
        HomedNode node = new HomedNode("home", Machines.cleared(table), 0, store, budget);
        node.mapAt(PAGE);
        return node;
    }

    /** Two threads want the frame of one page, of which a third lets go. */
    private void theFrameHasOneOwner(ToLongFunction<HomedNode> take) {
        FrameBudget budget = new FrameBudget(3, 0);
        HomedNode node = oneFrame(budget);
        long frame = node.take(PAGE, 0, false);
        long[] got = new long[2];
        together(() -> table.put(frame), () -> got[0] = take.applyAsLong(node), () -> got[1] = take.applyAsLong(node));
        int owners = (got[0] == frame ? 1 : 0) + (got[1] == frame ? 1 : 0);
        require(owners <= 1, "one frame was handed out twice");
        require(table.references(frame) == owners, "references: " + table.references(frame));
        require(budget.used() == owners, "charged: " + budget.used());
    }

    @Test
    void thePageOfAnAddressHasOneFrameAndOneOwner() {
        holds(() -> theFrameHasOneOwner(node -> node.take(PAGE, 0, false)));
        // Looks whether the frame is free, and takes it in a step of its own.
        catches(() -> theFrameHasOneOwner(node -> {
            long frame = node.frameOf(PAGE);
            if (table.references(frame) != 0) {
                return HomedNode.BUSY;
            }
            require(node.budget().tryCharge(false), "the budget has more than this");
            try {
                table.prepare(frame, 0);
            } catch (IllegalStateException e) {
                require(false, "the product has noticed: " + e.getMessage());
            }
            return frame;
        }));
    }

    private static void neverBeyond(BooleanSupplier tryCharge, AtomicLong charged) {
        together(
                () -> {
                    if (tryCharge.getAsBoolean()) {
                        charged.getAndIncrement();
                    }
                },
                () -> {
                    if (tryCharge.getAsBoolean()) {
                        charged.getAndIncrement();
                    }
                });
        require(charged.get() == 1, "of one frame, " + charged.get() + " were given");
    }

    @Test
    void aBudgetIsNeverOverdrawn() {
        holds(() -> {
            FrameBudget budget = new FrameBudget(1, 0);
            neverBeyond(() -> budget.tryCharge(false), new AtomicLong());
        });
        catches(() -> {
            AtomicLong used = new AtomicLong();
            neverBeyond(
                    () -> {
                        if (used.get() >= 1) {
                            return false;
                        }
                        used.getAndIncrement();
                        return true;
                    },
                    new AtomicLong());
        });
    }
}
