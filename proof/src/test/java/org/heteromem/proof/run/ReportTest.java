package org.heteromem.proof.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.heteromem.proof.model.Model;
import org.heteromem.proof.op.Op;
import org.heteromem.proof.op.OpText;
import org.heteromem.proof.op.Outcome;
import org.junit.jupiter.api.Test;

/** What a failing run looks like to whoever has to mend it. */
class ReportTest {
    @Test
    void everyStepCanBeWrittenAndReadAgain() {
        Generator generator = new Generator(3, new Model(), true);
        List<Op> ops = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            ops.add(generator.next());
        }
        String text = String.join("\n", ops.stream().map(OpText::format).toList());
        assertThat(OpText.parse("# a comment\n\n" + text)).isEqualTo(ops);
    }

    @Test
    void aLineThatIsNoStepIsNamed() {
        assertThatThrownBy(() -> OpText.parse("Fly 1 2"))
                .hasMessageContaining("Fly")
                .hasMessageContaining("Unmap");
        assertThatThrownBy(() -> OpText.parse("Unmap 1 2")).hasMessageContaining("'Unmap 1 2'");
        assertThatThrownBy(() -> OpText.parse("Protect 0 1 2 MAYBE")).hasMessageContaining("MAYBE");
    }

    @Test
    void theModelRefusesAnOutcomeThatIsNotItsOwn() {
        assertThat(Outcome.of(3).allows(Outcome.of(3))).isTrue();
        assertThat(Outcome.of(3).allows(Outcome.of(4))).isFalse();
        assertThat(Outcome.of(3).allows(Outcome.failed("SEGV"))).isFalse();
        assertThat(Outcome.failed("EPERM|EFAULT").allows(Outcome.failed("EFAULT")))
                .isTrue();
        assertThat(Outcome.failed("EPERM").allows(Outcome.OK)).isFalse();
        assertThat(Outcome.of(new byte[] {1, 2}).allows(Outcome.of(new byte[] {1, 3})))
                .isFalse();
        assertThat(Outcome.of(new byte[] {1, 2}, new boolean[] {false, true}).allows(Outcome.of(new byte[] {1, 3})))
                .isTrue();
    }

    @Test
    void aFailureIsATestToPasteAndAScenario() {
        Failure failure = new Failure(5, 0.5, OpText.parse("""
                        Map 0 4 8 READ_WRITE PRIVATE
                        Store 0 16384 8 77
                        ToDevice 1 0 4 2
                        Fork 0 2
                        Remap 0 4 2 20 MOVE
                        Protect 0 6 3 READ
                        EvictNode 0 1 2
                        Load 2 16384 8
                        """), "gave 0x0, must give 0x4d");
        assertThat(failure.toJava())
                .contains(
                        "void foundBySeed5()",
                        "                Store 0 16384 8 77\n",
                        ".trouble(5L, 0.5)",
                        "must give");
        assertThat(failure.toScenario())
                .isEqualTo("""
                        scenario seed-5
                        0 map A0 8 anon rw -> ?
                        0 fill A0+0 1 0x%s -> ?
                        0 to-dev 1 A0+0 2 -> ?
                        0 fork 1 -> ?
                        0 remap A0+0 2 A1 -> ?
                        0 protect A0+2 3 r -> ?
                        # no scenario can say: EvictNode 0 1 2
                        1 read A0+0 1 -> ?
                        """.formatted(Integer.toHexString("Store 0 16384 8 77".hashCode() & 0xffff)));
    }

    @Test
    void aFailingRunIsShrunkToWhatItNeeds() {
        // A driver that fails for ever is no defect, but a replay that must not have trouble calls it one.
        List<Op> ops = new ArrayList<>();
        Generator generator = new Generator(9, new Model(), false);
        for (int i = 0; i < 60; i++) {
            ops.add(generator.next());
        }
        ops.addAll(OpText.parse("Map 0 0 1 READ_WRITE PRIVATE\nUnmap 0 0 1\nStore 0 8 8 1"));
        Shrinker shrinker = new Shrinker(candidate -> {
            boolean fails = candidate.contains(new Op.Store(0, 8, 8, 1)) && candidate.contains(new Op.Unmap(0, 0, 1));
            return fails ? new Failure(0, 0, candidate, "said so") : null;
        });
        assertThat(shrinker.shrink(new Failure(0, 0, ops, "said so")).ops())
                .containsExactly(new Op.Unmap(0, 0, 1), new Op.Store(0, 8, 8, 1));
    }
}
