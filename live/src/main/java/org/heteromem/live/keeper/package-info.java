/**
 * What outlives a daemon that is killed: a tiny process that holds descriptors and does little else.
 *
 * <pre>
 *    client ◄──── connection, memfds, userfaultfds ────► worker (the daemon)
 *                                                           │ HOLD, DROP
 *                                                           ▼
 *                                                        keeper ──── starts the worker again, hands everything back
 * </pre>
 *
 * <p>As long as somebody has the userfaultfd open, threads that touch evicted memory wait; as soon as the last one closes it
 * they would read zeros. So what a client must not lose is held twice, by the worker and by the keeper: its connection, its
 * regions, the ledgers and the memory of its devices. The keeper reads none of it. When the worker dies the keeper starts
 * another one, or waits until somebody does; when the keeper dies the worker starts another one and gives it everything
 * again. Only both at once are one too many.
 *
 * <p>A worker is served one after the other: the second to come is refused while the first lives, and a process of another
 * user always. While there is none, the keeper lets go of clients that end, and removes the files that were to go with them.
 */
@NullMarked
package org.heteromem.live.keeper;

import org.jspecify.annotations.NullMarked;
