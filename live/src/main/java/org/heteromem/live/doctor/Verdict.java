package org.heteromem.live.doctor;

/** What a finding means for live mode. */
public enum Verdict {
    /** As it should be. */
    OK("ok"),
    /** Live mode works, with less. */
    LIMITED("limited"),
    /** Live mode does not work. */
    FAILS("fails");

    private final String label;

    Verdict(String label) {
        this.label = label;
    }

    /** Its name in text. */
    public String label() {
        return label;
    }
}
