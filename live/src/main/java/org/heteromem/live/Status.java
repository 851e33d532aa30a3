package org.heteromem.live;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How a daemon and those it serves are doing.
 *
 * @param subjects the daemon first, then its clients
 */
public record Status(List<Subject> subjects) {
    /** Copies the list. */
    public Status {
        subjects = List.copyOf(subjects);
    }

    /** A counter that is none: the number of a client with its daemon. A process may be several clients. */
    public static final String CLIENT = "client";

    /**
     * One of them.
     *
     * @param pid its process
     * @param name the name that it gave itself
     * @param counters numbers by name, in the daemon's order, such as {@code ram.limit} and {@code ram.used} in
     *     bytes, {@code faults}, {@code bytes.in} and {@code bytes.out}
     */
    public record Subject(int pid, String name, Map<String, Long> counters) {
        /** Keeps the order of the counters. */
        public Subject {
            counters = Collections.unmodifiableMap(new LinkedHashMap<>(counters));
        }
    }
}
