package org.heteromem.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.BitSet;
import java.util.List;
import org.heteromem.core.Page;
import org.heteromem.core.policy.BlockView;
import org.heteromem.core.policy.PageRange;
import org.heteromem.core.policy.PlacementPolicy;
import org.junit.jupiter.api.Test;

class PoliciesTest {
    /** A block of which certain pages live on the device. */
    private record Block(BitSet resident, long lastUse, long arrival) implements BlockView {
        static Block with(PageRange... ranges) {
            BitSet resident = new BitSet();
            for (PageRange range : ranges) {
                resident.set(range.first(), range.end());
            }
            return new Block(resident, 0, 0);
        }

        @Override
        public int space() {
            return 1;
        }

        @Override
        public long address() {
            return 0;
        }

        @Override
        public boolean onDevice(int page) {
            return resident.get(page);
        }

        @Override
        public int pagesOnDevice() {
            return resident.cardinality();
        }

        @Override
        public long accesses(int slice) {
            return 0;
        }

        @Override
        public long faults() {
            return 0;
        }
    }

    private static BitSet pages(int... pages) {
        BitSet set = new BitSet();
        for (int page : pages) {
            set.set(page);
        }
        return set;
    }

    private static PlacementPolicy placement(String name) {
        return Policies.byName(name).placement();
    }

    @Test
    void onDemandTakesTheTouchedPagesOnly() {
        assertThat(placement("on-demand").deviceFault(Block.with(), pages(3, 4, 200)))
                .containsExactly(new PageRange(3, 1), new PageRange(4, 1), new PageRange(200, 1));
        assertThat(placement("on-demand").cpuFault(Block.with(), 511)).isEqualTo(new PageRange(511, 1));
    }

    @Test
    void blocksAreAlignedAndTakenOnce() {
        assertThat(placement("block-64k").deviceFault(Block.with(), pages(3, 15, 16)))
                .containsExactly(new PageRange(0, 16), new PageRange(16, 16));
        assertThat(placement("block-2m").deviceFault(Block.with(), pages(3, 400)))
                .containsExactly(PageRange.BLOCK);
        assertThat(placement("block-2m").cpuFault(Block.with(), 7)).isEqualTo(PageRange.BLOCK);
    }

    @Test
    void treeTakesALeafWhereNothingIsThereYet() {
        assertThat(placement("tree").deviceFault(Block.with(), pages(20))).containsExactly(new PageRange(16, 16));
    }

    @Test
    void treeGrowsToTheSiblingThatHalfFillsTheParent() {
        // Two of two leaves: the subtree of 128 KiB is full; of 256 KiB it is half, which is not more than 51 %.
        assertThat(placement("tree").deviceFault(Block.with(new PageRange(0, 16)), pages(20)))
                .containsExactly(new PageRange(0, 32));
        // Three of four leaves: 75 % of 256 KiB.
        assertThat(placement("tree").deviceFault(Block.with(new PageRange(0, 32)), pages(32)))
                .containsExactly(new PageRange(0, 64));
    }

    @Test
    void treeNeedsMoreThanHalf() {
        // 16 resident leaves and the faulted one: 17 of 32 is 53 %.
        assertThat(placement("tree").deviceFault(Block.with(new PageRange(0, 256)), pages(300)))
                .containsExactly(PageRange.BLOCK);
        // 15 resident leaves and the faulted one: exactly half.
        assertThat(placement("tree").deviceFault(Block.with(new PageRange(0, 240)), pages(300)))
                .containsExactly(new PageRange(288, 16));
    }

    @Test
    void treeCountsWhatTheSameBatchBrings() {
        List<PageRange> ranges = placement("tree").deviceFault(Block.with(), pages(0, 16));
        assertThat(ranges).containsExactly(new PageRange(0, 32));
    }

    @Test
    void treeBringsHomeByTheSameRule() {
        assertThat(placement("tree").cpuFault(Block.with(PageRange.BLOCK), 40)).isEqualTo(new PageRange(32, 16));
        assertThat(placement("tree").cpuFault(Block.with(new PageRange(32, 16)), 40))
                .isEqualTo(PageRange.BLOCK);
    }

    @Test
    void lruGoesByUseAndByArrival() {
        BlockView early = new Block(new BitSet(), 9, 1);
        BlockView idle = new Block(new BitSet(), 2, 5);
        List<BlockView> candidates = List.of(early, idle);
        assertThat(Policies.byName("tree").eviction().victim(candidates)).isSameAs(idle);
        assertThat(Policies.byName("tree+lru-allocated").eviction().victim(candidates))
                .isSameAs(early);
    }

    @Test
    void unknownNamesListTheKnownOnes() {
        assertThatThrownBy(() -> Policies.byName("magic"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("unknown policy 'magic': choose one of on-demand, block-64k, block-2m, tree");
        assertThatThrownBy(() -> Policies.byName("tree+fifo"))
                .hasMessage("unknown eviction policy 'fifo': choose one of lru, lru-allocated");
    }

    @Test
    void everyPolicyIsFoundByItsNameAndSaysWhatItDoes() {
        for (PlacementPolicy policy : Policies.placements()) {
            assertThat(placement(policy.name())).isSameAs(policy);
            assertThat(policy.description()).isNotBlank();
        }
    }

    @Test
    void rangesStayInTheirBlock() {
        assertThatThrownBy(() -> new PageRange(500, 13)).isInstanceOf(IllegalArgumentException.class);
        assertThat(PageRange.around(Page.PER_BLOCK - 1, 16)).isEqualTo(new PageRange(496, 16));
    }
}
