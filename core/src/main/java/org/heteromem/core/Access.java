package org.heteromem.core;

/** What a touch does. */
public enum Access {
    /** A load. */
    READ,
    /** A store or an atomic update. */
    WRITE
}
