/**
 * The real thing that random runs work on: a small machine of the core, and devices whose drivers a model needs not know.
 *
 * <pre>
 *   World ──► MemoryManager: two nodes, processes in slots, references held from outside
 *        └──► ProofDevice x 4: private, private, coherent, coherent; each with a mirror of every process
 * </pre>
 */
@NullMarked
package org.heteromem.proof.world;

import org.jspecify.annotations.NullMarked;
