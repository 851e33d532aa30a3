package org.heteromem.proof.run;

import java.util.List;
import org.heteromem.proof.op.Op;
import org.heteromem.proof.op.OpText;

/**
 * A run that came out differently from the model, or left an unsound state.
 *
 * @param seed of the run
 * @param trouble whether faults were injected
 * @param ops the steps, the last of which failed
 * @param message what was wrong
 */
public record Failure(long seed, double trouble, List<Op> ops, String message) {
    /** Keeps its own list. */
    public Failure {
        ops = List.copyOf(ops);
    }

    /** {@return a test to paste that fails as long as the defect is there} */
    public String toJava() {
        StringBuilder text = new StringBuilder();
        text.append("    @Test\n    void foundBySeed")
                .append(Long.toUnsignedString(seed))
                .append("() {\n");
        text.append("        // ").append(message.replace('\n', ' ')).append('\n');
        text.append("        Replay.of(\"\"\"\n");
        ops.forEach(
                op -> text.append("                ").append(OpText.format(op)).append('\n'));
        text.append("                \"\"\")");
        if (trouble > 0) {
            text.append(".trouble(").append(seed).append("L, ").append(trouble).append(')');
        }
        return text.append(".assertSame();\n    }\n").toString();
    }

    /** {@return the same as a scenario file, as far as one can say it: to see what another implementation does} */
    public String toScenario() {
        return ScenarioText.of("seed-" + Long.toUnsignedString(seed), ops);
    }

    @Override
    public String toString() {
        return "seed " + seed + ", after " + ops.size() + " steps: " + OpText.format(ops.get(ops.size() - 1)) + ' '
                + message;
    }
}
