package org.heteromem.core.policy;

import java.util.List;

/** Decides which block leaves a device that is full. Thread-safe; must be quick. */
public interface EvictionPolicy {
    /** {@return the name on the command line: lower-case letters, digits and hyphens} */
    String name();

    /** {@return one line for people} */
    String description();

    /**
     * Chooses.
     *
     * @param candidates blocks with pages on the device, at least one
     * @return one of them
     */
    BlockView victim(List<BlockView> candidates);
}
