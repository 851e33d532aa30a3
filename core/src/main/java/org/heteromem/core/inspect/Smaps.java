package org.heteromem.core.inspect;

import java.util.Map;

/**
 * The sums of a range as /proc/PID/smaps tells them, in pages.
 *
 * @param resident pages mapped, on devices included; the zero page and guards are nothing
 * @param anonymous those of them that are anonymous
 * @param byMemory resident pages by the name of the memory they live in
 */
public record Smaps(long resident, long anonymous, Map<String, Long> byMemory) {}
