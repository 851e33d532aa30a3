/**
 * How somebody waits who meets a locked page or a migration under way. The core itself blocks nobody:
 *
 * <pre>
 *   fault ──► WaitPoint ──► Waiting: a CPU thread parks
 *                      └──► a pump attaches the fault and goes on; a simulation goes on with others
 * </pre>
 */
@NullMarked
package org.heteromem.core.wait;

import org.jspecify.annotations.NullMarked;
