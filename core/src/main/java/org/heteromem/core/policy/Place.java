package org.heteromem.core.policy;

/** Where pages can go. */
public enum Place {
    /** System RAM. */
    RAM,
    /** The memory of the device that asks. */
    DEVICE
}
