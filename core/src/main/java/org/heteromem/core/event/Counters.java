package org.heteromem.core.event;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** The core's counters. Thread-safe; a value is a moment's view. */
public final class Counters {
    private final LongAdder[] adders = new LongAdder[Counter.values().length];

    /** Makes counters at zero. */
    public Counters() {
        for (int i = 0; i < adders.length; i++) {
            adders[i] = new LongAdder();
        }
    }

    /**
     * Counts.
     *
     * @param counter what
     * @param n how many
     */
    public void add(Counter counter, long n) {
        adders[counter.ordinal()].add(n);
    }

    /**
     * {@return a counter's value}
     *
     * @param counter which
     */
    public long get(Counter counter) {
        return adders[counter.ordinal()].sum();
    }

    /** {@return all values} */
    public Map<Counter, Long> snapshot() {
        Map<Counter, Long> all = new EnumMap<>(Counter.class);
        for (Counter counter : Counter.values()) {
            all.put(counter, get(counter));
        }
        return all;
    }
}
