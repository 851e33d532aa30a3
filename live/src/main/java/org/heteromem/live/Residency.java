package org.heteromem.live;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Where the pages of some memory were at one moment. A page is 4096 bytes; memory that begins or ends inside a page counts
 * it whole.
 *
 * @param ram pages in RAM
 * @param devices pages by the name of the device that holds them, in the order in which devices fill: its kind, such as
 *     {@code compressed}, {@code slow-ram} for an overflow device {@code ram}, with {@code -2}, {@code -3} behind those that
 *     are not the first of their kind, and {@code accelerator}
 * @param moving pages that were on their way from one place to another
 * @param lost pages whose device could not give them back; freeing the memory makes them usable again
 * @param absent pages that were never written, or freed: they read as zeros and are nowhere
 */
public record Residency(long ram, Map<String, Long> devices, long moving, long lost, long absent) {
    /** Keeps the order of the devices. */
    public Residency {
        devices = Collections.unmodifiableMap(new LinkedHashMap<>(devices));
    }

    /** Pages on devices, all together. */
    public long onDevices() {
        return devices.values().stream().mapToLong(Long::longValue).sum();
    }

    /** All pages. */
    public long pages() {
        return ram + onDevices() + moving + lost + absent;
    }
}
