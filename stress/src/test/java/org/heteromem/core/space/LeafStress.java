package org.heteromem.core.space;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** A walker's dirty bit against an entry that is replaced. The seeded walker looks and writes in two steps. */
public final class LeafStress {
    private static final long MAPPED = PteLayout.make(PteLayout.PRESENT, 7, PteLayout.READ | PteLayout.WRITE);
    private static final long MOVING = PteLayout.make(PteLayout.MIGRATION, 7, PteLayout.WRITE);

    private LeafStress() {}

    /** A leaf with one entry. */
    @State
    public static class OneEntry {
        /** The leaf. */
        final PageTableLeaf leaf = new PageTableLeaf(0);

        OneEntry() {
            leaf.set(3, MAPPED);
        }

        /** {@return 1 if the migrator saw a dirty entry} */
        final int replace() {
            return PteLayout.dirty(leaf.exchange(3, MOVING)) ? 1 : 0;
        }

        final int kind() {
            return PteLayout.kind(leaf.get(3)) * 10;
        }
    }

    @JCStressTest
    @Outcome(
            id = {"0, 40", "1, 41"},
            expect = ACCEPTABLE,
            desc = "the migrator knows whether the page was written")
    @Outcome(expect = FORBIDDEN, desc = "the mapping came back, or a store went unnoticed")
    @State
    public static class TouchProduct extends OneEntry {
        public TouchProduct() {}

        @Actor
        public void walker(II_Result r) {
            r.r1 = leaf.touch(3, MAPPED, true) ? 1 : 0;
        }

        @Actor
        public void migrator(II_Result r) {
            r.r2 = replace();
        }

        @Arbiter
        public void after(II_Result r) {
            r.r2 += kind();
        }
    }

    @JCStressTest
    @Outcome(
            id = {"0, 40", "1, 41"},
            expect = ACCEPTABLE,
            desc = "the migrator knows whether the page was written")
    @Outcome(expect = FORBIDDEN, desc = "the mapping came back, or a store went unnoticed")
    @State
    public static class TouchSeededTwoSteps extends OneEntry {
        public TouchSeededTwoSteps() {}

        @Actor
        public void walker(II_Result r) {
            if (leaf.get(3) == MAPPED) {
                leaf.set(3, MAPPED | PteLayout.YOUNG | PteLayout.DIRTY);
                r.r1 = 1;
            }
        }

        @Actor
        public void migrator(II_Result r) {
            r.r2 = replace();
        }

        @Arbiter
        public void after(II_Result r) {
            r.r2 += kind();
        }
    }
}
