package org.heteromem.core.device;

/** The kinds of device memory (Linux: enum memory_type). */
public enum DeviceKind {
    /** The CPU cannot address it (MEMORY_DEVICE_PRIVATE): a touch brings the page home. */
    PRIVATE,
    /** Cache-coherent with the CPU (MEMORY_DEVICE_COHERENT): mapped in place by CPU page tables. */
    COHERENT
}
