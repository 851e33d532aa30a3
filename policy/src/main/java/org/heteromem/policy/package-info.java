/**
 * Policies: which pages go where, when, and who makes room. Each is a small class; {@link org.heteromem.policy.Policies}
 * knows them by name.
 *
 * <pre>{@code
 * PolicySet policies = Policies.byName("tree");              // tree prefetch, eviction by lru
 * PolicySet others = Policies.byName("block-64k+lru-allocated");
 * VictimPolicy victims = Policies.victims("refault");        // what leaves the RAM of a live process
 * }</pre>
 *
 * A new one implements {@link org.heteromem.core.policy.PlacementPolicy}, {@link
 * org.heteromem.core.policy.EvictionPolicy} or {@link org.heteromem.core.policy.VictimPolicy} and gets a line in the registry.
 */
@NullMarked
package org.heteromem.policy;

import org.jspecify.annotations.NullMarked;
