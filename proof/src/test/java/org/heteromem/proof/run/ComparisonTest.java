package org.heteromem.proof.run;

import static org.assertj.core.api.Assertions.assertThat;

import org.heteromem.proof.op.Outcome;
import org.junit.jupiter.api.Test;

/** What is let pass when a fault was injected. */
class ComparisonTest {
    private static boolean passes(Outcome wanted, Outcome real) {
        return Comparison.possibleAfterTrouble(wanted, real);
    }

    @Test
    void anInjectedFaultExcusesItsOwnErrorsAndNoOthers() {
        assertThat(passes(Outcome.OK, Outcome.OK)).isTrue();
        assertThat(passes(Outcome.OK, Outcome.failed(Outcome.EXHAUSTED))).isTrue();
        assertThat(passes(Outcome.OK, Outcome.failed("SEGV"))).isFalse();
        assertThat(passes(Outcome.of(1), Outcome.of(2))).isFalse();
    }

    @Test
    void whereAnErrorMustComeAnotherOneIsNotAsGood() {
        Outcome wanted = Outcome.failed("ENOMEM");
        assertThat(passes(wanted, wanted)).isTrue();
        assertThat(passes(wanted, Outcome.failed("BUS"))).isTrue();
        assertThat(passes(wanted, Outcome.failed("SEGV"))).isFalse();
        assertThat(passes(wanted, Outcome.failed("EPERM"))).isFalse();
        assertThat(passes(wanted, Outcome.OK)).isFalse();
    }
}
