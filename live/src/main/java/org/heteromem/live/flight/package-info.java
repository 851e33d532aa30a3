/**
 * The core's events in JDK Flight Recorder: page faults, evictions, migrations home and lost pages of a daemon's clients.
 *
 * <pre>
 *   core ──► EventSink ──► FlightEvents ──► heteromem.PageFault, heteromem.Eviction,
 *                          (asks first if      heteromem.MigrationHome, heteromem.PageLost
 *                           anybody records)
 * </pre>
 *
 * <pre>{@code
 * jcmd PID JFR.start name=pages
 * jcmd PID JFR.dump name=pages filename=pages.jfr
 * jfr print --events heteromem.* pages.jfr
 * }</pre>
 */
@NullMarked
package org.heteromem.live.flight;

import org.jspecify.annotations.NullMarked;
