package org.heteromem.devices.storage;

/**
 * Whether the copy of a page stays on a device when the page goes home (Linux: swap cache). While the page is not written it
 * can leave RAM again without being copied; its first store costs a fault, and until then it occupies both memories.
 */
public enum KeepCopies {
    /** No copy stays. */
    NEVER,
    /** Copies stay as long as most of them are of use, and while a quarter of the device is free. */
    LEARNING,
    /** Copies stay whenever they can. */
    ALWAYS
}
