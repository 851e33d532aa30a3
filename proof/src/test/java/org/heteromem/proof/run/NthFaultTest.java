package org.heteromem.proof.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.heteromem.proof.op.Op;
import org.heteromem.proof.world.Trouble;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The same steps again and again; each time one point that can fail does, the first, the second, and so on to the last. */
class NthFaultTest {
    private static List<Op> steps(long seed, int count, boolean storage) {
        Comparison both = new Comparison(Trouble.none(), null);
        Generator generator = new Generator(seed, both.model, storage);
        List<Op> steps = new ArrayList<>();
        while (steps.size() < count) {
            Op op = generator.next();
            if (both.applies(op)) {
                assertThat(both.step(op)).isNull();
                steps.add(op);
            }
        }
        assertThat(both.end()).isNull();
        both.close();
        return steps;
    }

    private static boolean strikes(List<Op> steps, long nth) {
        Trouble trouble = Trouble.nth(nth);
        Comparison both = new Comparison(trouble, null);
        for (Op op : steps) {
            if (both.applies(op)) {
                String different = both.step(op);
                different = different == null ? both.check() : different;
                different = different == null ? both.compareAll() : different;
                assertThat(different)
                        .as("fault %s, at %s of %s", nth, op, steps)
                        .isNull();
            }
        }
        assertThat(both.end()).as("fault %s of %s", nth, steps).isNull();
        both.close();
        return Arrays.stream(Trouble.Point.values()).anyMatch(point -> trouble.injected(point) > 0);
    }

    @ParameterizedTest
    @CsvSource({"1, 200, false", "2, 200, false", "3, 100, true"})
    void eachFaultInTurnLeavesNothingBehind(long seed, int count, boolean storage) {
        List<Op> steps = steps(seed, count, storage);
        long nth = 1;
        while (strikes(steps, nth)) {
            nth++;
        }
        assertThat(nth).as("points that can fail").isGreaterThan(20);
    }
}
