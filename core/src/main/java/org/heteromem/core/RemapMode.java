package org.heteromem.core;

/** What {@link AddressSpace#remap} leaves behind. */
public enum RemapMode {
    /** The old range is unmapped (MREMAP_MAYMOVE|MREMAP_FIXED). */
    MOVE,
    /** The old range stays mapped and becomes empty (MREMAP_DONTUNMAP). */
    KEEP_SOURCE
}
