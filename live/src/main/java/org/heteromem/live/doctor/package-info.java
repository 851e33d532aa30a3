/**
 * What live mode finds on this machine: what works, what does not, and the command that mends it.
 *
 * <pre>
 *   /proc, /sys, probes of the kernel ---- Machine ----&gt; Doctor ----&gt; Diagnosis = tier + list of Finding ----&gt; text
 * </pre>
 *
 * <p>The first line of the text names the tier of rights; {@code doctor} prints all of it, and whoever opens live mode where
 * it cannot work fails with {@link org.heteromem.live.doctor.Diagnosis#refusal()}, the same words.
 *
 * <pre>{@code
 * Diagnosis diagnosis = Doctor.examine();
 * System.out.print(diagnosis.text());
 * }</pre>
 */
@NullMarked
package org.heteromem.live.doctor;

import org.jspecify.annotations.NullMarked;
