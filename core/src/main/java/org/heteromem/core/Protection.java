package org.heteromem.core;

/** What an area of memory may be used for (PROT_NONE, PROT_READ, PROT_READ|PROT_WRITE). */
public enum Protection {
    /** No access. */
    NONE,
    /** Loads only. */
    READ,
    /** Loads and stores. */
    READ_WRITE;

    /** {@return whether loads are allowed} */
    public boolean readable() {
        return this != NONE;
    }

    /** {@return whether stores are allowed} */
    public boolean writable() {
        return this == READ_WRITE;
    }
}
