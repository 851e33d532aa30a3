package org.heteromem.devices.testdriver;

/** What a snapshot says of one page, as the device sees it (Linux: HMM_DMIRROR_PROT_*). */
public enum PageState {
    /** Nothing can be there: no mapping, or one without read permission. */
    ERROR("err"),
    /** Nothing usable without a fault. */
    NONE("none"),
    /** A page in RAM, read-only. */
    READ("r"),
    /** A page in RAM, writable. */
    WRITE("w"),
    /** The shared zero page. */
    ZERO_READ("zero-r"),
    /** On this private device, read-only. */
    PRIVATE_READ("priv-r"),
    /** On this private device, writable. */
    PRIVATE_WRITE("priv-w"),
    /** On this coherent device, read-only. */
    COHERENT_READ("coh-r"),
    /** On this coherent device, writable. */
    COHERENT_WRITE("coh-w"),
    /** On another coherent device, read-only. */
    FOREIGN_COHERENT_READ("cohx-r"),
    /** On another coherent device, writable. */
    FOREIGN_COHERENT_WRITE("cohx-w");

    private final String token;

    PageState(String token) {
        this.token = token;
    }

    /** {@return the short name that recordings use} */
    public String token() {
        return token;
    }

    /** {@return whether the page lives on the device that took the snapshot} */
    public boolean local() {
        return switch (this) {
            case PRIVATE_READ, PRIVATE_WRITE, COHERENT_READ, COHERENT_WRITE -> true;
            default -> false;
        };
    }
}
