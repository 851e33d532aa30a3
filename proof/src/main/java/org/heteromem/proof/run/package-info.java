/**
 * Random runs: steps are chosen, done in the world and in the model, and what comes out is compared.
 *
 * <pre>
 *   Generator ──► Op ──► Comparison: World | Model ──► same? next : Failure ──► Shrinker ──► scenario, test to paste
 * </pre>
 *
 * <pre>{@code
 * Fuzz.Result result = new Fuzz(Fuzz.Options.of(seed, 100_000)).run();
 * }</pre>
 */
@NullMarked
package org.heteromem.proof.run;

import org.jspecify.annotations.NullMarked;
