/**
 * What happened: one stream of typed events, and counters.
 *
 * <pre>
 *   space, migrate, pin, mirror ──► EventSink ──► JFR, pictures, reports of models
 * </pre>
 *
 * A sink sees an event after the locks that caused it are released:
 *
 * <pre>{@code
 * MemoryManager.builder().node(64L << 20).events(event -> log.add(event)).build();
 * }</pre>
 */
@NullMarked
package org.heteromem.core.event;

import org.jspecify.annotations.NullMarked;
