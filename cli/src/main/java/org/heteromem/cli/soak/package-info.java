/**
 * {@code heteromem soak --live}: programs with more memory than RAM, and daemons that somebody kills.
 *
 * <pre>
 *   heteromem soak --live
 *     ├─ a daemon for several clients ─ its keeper      killed, and started again by the soak
 *     ├─ client ─ threads                               come and go, end well or are killed
 *     ├─ client ─ threads
 *     └─ client ─ threads
 *          └─ a daemon of its own ─ its keeper          killed, and started again by their keeper
 * </pre>
 *
 * <p>{@link org.heteromem.cli.soak.LiveSoak} is the process that the user started, {@link
 * org.heteromem.cli.soak.SoakProgram} a client. A client says twice a second what its threads have done ({@link
 * org.heteromem.cli.soak.Beat}), so that a thread that gets nowhere is seen from outside: a Java process whose thread waits
 * for a page for ever may not be able to see anything itself.
 */
@NullMarked
package org.heteromem.cli.soak;

import org.jspecify.annotations.NullMarked;
