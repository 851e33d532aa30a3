package org.heteromem.live.doctor;

import java.util.Optional;

/**
 * One thing that was looked at.
 *
 * @param subject what was looked at, such as {@code kernel}
 * @param verdict what it means for live mode
 * @param observed what was found, and what follows from it, in a sentence
 * @param remedy the command or step that mends it; empty where nothing is to mend
 */
public record Finding(String subject, Verdict verdict, String observed, Optional<String> remedy) {
    static Finding ok(String subject, String observed) {
        return new Finding(subject, Verdict.OK, observed, Optional.empty());
    }

    static Finding limited(String subject, String observed, String remedy) {
        return new Finding(subject, Verdict.LIMITED, observed, Optional.of(remedy));
    }

    static Finding fails(String subject, String observed, String remedy) {
        return new Finding(subject, Verdict.FAILS, observed, Optional.of(remedy));
    }
}
