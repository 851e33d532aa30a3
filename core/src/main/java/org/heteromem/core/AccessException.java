package org.heteromem.core;

/**
 * A load or store that cannot be served: what a process would learn from a signal. The touched memory is unchanged and
 * the address space stays usable.
 */
public class AccessException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Which signal Linux would have sent. */
    public enum Signal {
        /** SIGSEGV: no mapping there, or one that forbids the access. */
        SEGV,
        /** SIGBUS: the mapping is fine, its page cannot be produced. */
        BUS
    }

    private final Signal signal;
    private final long address;

    /**
     * Makes the error.
     *
     * @param signal the signal Linux would have sent
     * @param address the address touched
     * @param message what was tried and why it failed; the address is added
     */
    public AccessException(Signal signal, long address, String message) {
        super(signal + " at 0x" + Long.toHexString(address) + ": " + message);
        this.signal = signal;
        this.address = address;
    }

    /** {@return the signal Linux would have sent} */
    public Signal signal() {
        return signal;
    }

    /** {@return the address touched} */
    public long address() {
        return address;
    }
}
