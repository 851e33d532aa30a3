package org.heteromem.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.heteromem.core.policy.PageList;
import org.heteromem.core.policy.VictimPolicy;
import org.heteromem.core.policy.WorkingSetView;
import org.junit.jupiter.api.Test;

/** What each victim policy answers; how well that does is measured on streams of touches, with the command line's tests. */
class VictimPoliciesTest {
    /** 1000 pages of RAM, of which some are active. */
    private record Ram(long active, long evictions) implements WorkingSetView {
        @Override
        public long limit() {
            return 1000;
        }

        @Override
        public long inactive() {
            return limit() - active;
        }
    }

    @Test
    void everyPolicyIsMadeAnewByItsName() {
        for (VictimPolicy policy : Policies.victims()) {
            assertThat(Policies.victims(policy.name()).name()).isEqualTo(policy.name());
            assertThat(policy.description()).isNotBlank();
        }
        assertThat(Policies.victims("refault")).isNotSameAs(Policies.victims("refault"));
        assertThatThrownBy(() -> Policies.victims("magic"))
                .hasMessage("unknown victim policy 'magic': choose one of refault, 2q, fifo");
    }

    @Test
    void ageProtectsNothing() {
        VictimPolicy policy = Policies.victims("fifo");
        assertThat(policy.refault(new Ram(0, 9), 0, PageList.INACTIVE)).isEqualTo(PageList.INACTIVE);
        assertThat(policy.activeVictims(new Ram(500, 9), 100)).isZero();
    }

    @Test
    void whatIsMissedWithinOneRamIsProtected() {
        for (String name : new String[] {"2q", "refault"}) {
            VictimPolicy policy = Policies.victims(name);
            assertThat(policy.refault(new Ram(0, 5000), 1000, PageList.INACTIVE))
                    .as(name)
                    .isEqualTo(PageList.ACTIVE);
            assertThat(policy.refault(new Ram(0, 5000), 1001, PageList.INACTIVE))
                    .as(name)
                    .isEqualTo(PageList.INACTIVE);
        }
    }

    @Test
    void aTenthOfRamIsLeftToNewcomers() {
        VictimPolicy policy = Policies.victims("2q");
        assertThat(policy.activeVictims(new Ram(900, 0), 64)).isZero();
        assertThat(policy.activeVictims(new Ram(910, 0), 64)).isEqualTo(10);
        assertThat(policy.activeVictims(new Ram(1000, 0), 64)).isEqualTo(64);
    }

    /** Lets a policy take protected victims, of which so many in a hundred come back, until RAM was exchanged several times. */
    private static long protectedAfter(VictimPolicy policy, int comeBack) {
        long evictions = 0;
        long active = 1000;
        for (int round = 0; round < 60; round++) {
            evictions += 100;
            int victims = policy.activeVictims(new Ram(active, evictions), 100);
            for (int i = 0; i < victims; i++) {
                if (i % 100 < comeBack) {
                    policy.refault(new Ram(active, evictions), 10, PageList.ACTIVE);
                }
            }
        }
        // The largest active list from which nothing is taken but a probe.
        while (policy.activeVictims(new Ram(active, evictions), 64) > 1) {
            active -= 10;
        }
        return active;
    }

    @Test
    void protectionGrowsWhereProtectedPagesAreMissedAndShrinksWhereNot() {
        assertThat(protectedAfter(Policies.victims("refault"), 90)).isBetween(850L, 950L);
        assertThat(protectedAfter(Policies.victims("refault"), 5)).isBetween(50L, 150L);
    }

    @Test
    void nowAndThenAProtectedPageIsTried() {
        VictimPolicy policy = Policies.victims("refault");
        int tried = 0;
        for (int i = 0; i < 6400; i++) {
            tried += policy.activeVictims(new Ram(200, 0), 1);
        }
        assertThat(tried).isEqualTo(100);
        assertThat(policy.activeVictims(new Ram(0, 0), 512))
                .as("nothing is protected")
                .isZero();
    }
}
