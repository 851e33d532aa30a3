package org.heteromem.core.space;

import static org.heteromem.stress.model.ModelCheck.catches;
import static org.heteromem.stress.model.ModelCheck.holds;
import static org.heteromem.stress.model.ModelCheck.require;
import static org.heteromem.stress.model.ModelCheck.together;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A walker sets used and dirty bits without the leaf's lock while the kernel side replaces the entry or its rights. */
@Tag("lincheck")
class PageTableLeafModelTest {
    private static final long MAPPED = PteLayout.make(PteLayout.PRESENT, 7, PteLayout.READ | PteLayout.WRITE);
    private static final long MOVING = PteLayout.make(PteLayout.MIGRATION, 7, PteLayout.WRITE);

    private interface Touch {
        boolean touch(PageTableLeaf leaf, long expected);
    }

    private static void replacedEntryStays(Touch walker) {
        PageTableLeaf leaf = new PageTableLeaf(0);
        leaf.set(3, MAPPED);
        boolean[] touched = new boolean[1];
        long[] old = new long[1];
        together(() -> touched[0] = walker.touch(leaf, leaf.get(3)), () -> old[0] = leaf.exchange(3, MOVING));
        boolean early = PteLayout.kind(old[0]) == PteLayout.PRESENT && PteLayout.dirty(old[0]);
        require(
                PteLayout.kind(leaf.get(3)) == PteLayout.MIGRATION,
                "the mapping came back: " + PteLayout.describe(leaf.get(3)));
        require(
                !touched[0] || early || PteLayout.dirty(leaf.get(3)),
                "a store went through an entry that never learnt of it");
    }

    private static void rightsTakenAwayStayAway(Touch walker) {
        PageTableLeaf leaf = new PageTableLeaf(0);
        leaf.set(3, MAPPED);
        boolean[] touched = new boolean[1];
        together(() -> touched[0] = walker.touch(leaf, MAPPED), () -> leaf.update(3, PteLayout.WRITE, 0));
        require(!PteLayout.writable(leaf.get(3)), "the right to write came back");
        require(!touched[0] || PteLayout.dirty(leaf.get(3)), "the dirty bit was lost");
    }

    private static boolean product(PageTableLeaf leaf, long expected) {
        return leaf.touch(3, expected, true);
    }

    /** The bits set in two steps: look, then write. */
    private static boolean seeded(PageTableLeaf leaf, long expected) {
        if (leaf.get(3) != expected) {
            return false;
        }
        leaf.set(3, expected | PteLayout.YOUNG | PteLayout.DIRTY);
        return true;
    }

    @Test
    void anEntryThatWasReplacedDoesNotComeBack() {
        holds(() -> replacedEntryStays(PageTableLeafModelTest::product));
        catches(() -> replacedEntryStays(PageTableLeafModelTest::seeded));
    }

    @Test
    void rightsThatWereTakenAwayDoNotComeBack() {
        holds(() -> rightsTakenAwayStayAway(PageTableLeafModelTest::product));
        catches(() -> rightsTakenAwayStayAway(PageTableLeafModelTest::seeded));
    }
}
