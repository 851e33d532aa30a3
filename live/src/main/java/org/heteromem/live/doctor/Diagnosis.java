package org.heteromem.live.doctor;

import java.util.List;

/**
 * All that was found. Immutable.
 *
 * @param tier what live mode may do; {@link Tier#NONE} if and only if some finding fails
 * @param findings in the order in which they are best read
 */
public record Diagnosis(Tier tier, List<Finding> findings) {
    public Diagnosis {
        findings = List.copyOf(findings);
        boolean fails = findings.stream().anyMatch(f -> f.verdict() == Verdict.FAILS);
        if (fails != (tier == Tier.NONE)) {
            throw new IllegalArgumentException("tier " + tier + " does not agree with the findings " + findings);
        }
    }

    /** The first line: the tier, and what it means. */
    public String headline() {
        return "rights: " + tier.label() + " - " + tier.meaning();
    }

    /** The headline, then each finding with its remedy; ends with a line feed. */
    public String text() {
        int width = findings.stream().mapToInt(f -> f.subject().length()).max().orElse(0);
        StringBuilder text = new StringBuilder(headline()).append("\n\n");
        for (Finding f : findings) {
            text.append(column(f.verdict().label(), 8))
                    .append(column(f.subject(), width))
                    .append("  ")
                    .append(f.observed())
                    .append('\n');
            f.remedy()
                    .ifPresent(remedy -> text.append(column("", 8))
                            .append(column("", width))
                            .append("  -> ")
                            .append(remedy)
                            .append('\n'));
        }
        return text.toString();
    }

    /** A column: two spaces, then a text filled up to a width. */
    private static String column(String text, int width) {
        return "  " + text + " ".repeat(width - text.length());
    }

    /**
     * Why live mode cannot be opened: each finding that fails, with its remedy, in one line.
     *
     * @throws IllegalStateException if it can
     */
    public String refusal() {
        if (tier != Tier.NONE) {
            throw new IllegalStateException("live mode can be opened: " + headline());
        }
        StringBuilder text = new StringBuilder("live mode does not work here: ");
        String separator = "";
        for (Finding f : findings) {
            if (f.verdict() == Verdict.FAILS) {
                text.append(separator).append(f.subject()).append(": ").append(f.observed());
                f.remedy().ifPresent(r -> text.append(" (").append(r).append(')'));
                separator = "; ";
            }
        }
        return text.toString();
    }
}
