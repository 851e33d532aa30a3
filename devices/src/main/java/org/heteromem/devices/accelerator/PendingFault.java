package org.heteromem.devices.accelerator;

import java.util.function.Supplier;
import org.heteromem.core.Access;
import org.jspecify.annotations.Nullable;

/** A compute unit's fault in the buffer: it waits here until the fault is served and then tries again, or fails. */
final class PendingFault extends Completion {
    private final Mirror mirror;
    private final long address;
    private final long page;
    private final Access access;
    private final int attempt;
    private final int denials;
    private volatile boolean denied;
    private volatile @Nullable Supplier<RuntimeException> error;

    /**
     * Notes a fault.
     *
     * @param mirror of the process
     * @param address the address touched
     * @param page its page
     * @param access what was tried
     * @param attempt how often in a row the unit has faulted on this page, from 1
     * @param denials how often in a row the page could not come
     */
    PendingFault(Mirror mirror, long address, long page, Access access, int attempt, int denials) {
        this.mirror = mirror;
        this.address = address;
        this.page = page;
        this.access = access;
        this.attempt = attempt;
        this.denials = denials;
    }

    Mirror mirror() {
        return mirror;
    }

    long address() {
        return address;
    }

    long page() {
        return page;
    }

    Access access() {
        return access;
    }

    int attempt() {
        return attempt;
    }

    int denials() {
        return denials;
    }

    /** The page could not come this time; the unit shall give others time, and ask again. */
    void deny() {
        denied = true;
    }

    boolean isDenied() {
        return denied;
    }

    /**
     * Ends the fault with an error.
     *
     * @param cause makes it, in the unit's thread, so that its stack shows where in the kernel it happened
     */
    void fail(Supplier<RuntimeException> cause) {
        error = cause;
        complete();
    }

    /** Throws what the fault ended with, if it ended so. */
    void rethrow() {
        Supplier<RuntimeException> cause = error;
        if (cause != null) {
            throw cause.get();
        }
    }
}
