package org.heteromem.core.inspect;

/**
 * One page as /proc/PID/pagemap and kpageflags tell it, and a little more.
 *
 * @param kind what the entry is
 * @param frame the frame, or -1
 * @param memory the name of the memory it lives in, or "none"
 * @param writable whether the entry allows stores or keeps the right to them
 * @param anonymous whether the page is anonymous
 * @param mappings how often it is mapped in the whole system
 * @param references how many references it has
 * @param pins how many pins it has
 */
public record PageView(
        PageKind kind,
        long frame,
        String memory,
        boolean writable,
        boolean anonymous,
        int mappings,
        int references,
        int pins) {}
