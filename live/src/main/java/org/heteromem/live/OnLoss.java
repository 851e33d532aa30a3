package org.heteromem.live;

/** What becomes of a program that touches a page whose contents are lost, as by a failing disk. Never zeros. */
public enum OnLoss {
    /** The program ends, as Linux ends one that meets a hardware memory error (SIGBUS). */
    KILL,
    /**
     * The touch throws an {@link InternalError}. Compiled code may run on for some instructions with a value that means
     * nothing before the error arrives, so this is for programs that throw away all they computed from it. Linux 6.6.
     */
    THROW
}
