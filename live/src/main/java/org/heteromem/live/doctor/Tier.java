package org.heteromem.live.doctor;

/** How much live mode may do here. */
public enum Tier {
    /** Faults of user code and of system calls are served. */
    FULL("full", "live mode works, and system calls may read and write evicted memory"),
    /** Faults of user code are served. */
    USER_MODE_ONLY(
            "user-mode only",
            "live mode works, but a system call that meets evicted memory fails with EFAULT, so what is handed to one is"
                    + " handed over inside Heteromem.touch"),
    /** None are. */
    NONE("none", "live mode does not work here; the model does (--mode model)");

    private final String label;
    private final String meaning;

    Tier(String label, String meaning) {
        this.label = label;
        this.meaning = meaning;
    }

    /** Its name in text. */
    public String label() {
        return label;
    }

    /** What it means for a program, in a sentence. */
    public String meaning() {
        return meaning;
    }
}
