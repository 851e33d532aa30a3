package org.heteromem.core;

/** A touch of a page whose only copy a device lost (Linux: SIGBUS after a memory failure, or a driver that failed). */
public final class LostPageException extends AccessException {
    private static final long serialVersionUID = 1L;

    private final String device;

    /**
     * Makes the error.
     *
     * @param address the address touched
     * @param device the name of the device that held the page
     * @param detail why it cannot be produced
     */
    public LostPageException(long address, String device, String detail) {
        super(Signal.BUS, address, "the page lived on device '" + device + "' and " + detail);
        this.device = device;
    }

    /** {@return the name of the device that held the page} */
    public String device() {
        return device;
    }
}
