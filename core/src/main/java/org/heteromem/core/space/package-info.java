/**
 * The virtual side: areas, page tables, faults, reverse map, migration of pages. Not exported.
 *
 * <pre>
 *   touch ──► Walker ──► FaultHandler ──► demand zero | zero page | copy-on-write | device page | wait
 *                                                               │
 *   AreaOperations, Protector, Remapper, Advisor, Forker ──► page table ◄── PageMigration, ReverseMap
 * </pre>
 *
 * {@link org.heteromem.core.space.Mm} tells the order of locks, {@link org.heteromem.core.space.PageMigration} why a
 * migration loses nothing, {@link org.heteromem.core.space.PteLayout} what an entry means.
 */
@NullMarked
package org.heteromem.core.space;

import org.jspecify.annotations.NullMarked;
