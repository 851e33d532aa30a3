package org.heteromem.core.event;

/** What happened to references from outside. */
public enum PinChange {
    /** Plain references were taken. */
    GET,
    /** Short pins were taken. */
    PIN,
    /** Long-term pins were taken. */
    PIN_LONG_TERM,
    /** They were given back. */
    RELEASE
}
