package org.heteromem.core.policy;

/** What a frame of RAM is wanted for, and so whether it may come from a reserve. */
public enum FrameDemand {
    /** A page that did not exist before: what it takes is gone. */
    NEW_PAGE,
    /** A page that leaves device memory: it gives back there what it takes here. */
    PAGE_COMING_HOME
}
