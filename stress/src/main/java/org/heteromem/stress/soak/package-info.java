/**
 * The whole system under real concurrency, with data whose right value is known at every instant.
 *
 * <pre>
 *   CPU threads ─┐                                ┌─ migrators, evictors, node movers
 *   compute units┼──► words, one writer each ◄────┼─ fork/exit, protect, remap, advise, lock
 *   pin holders ─┘     (page, writer, version)    └─ pressure: RAM is smaller than the data
 * </pre>
 *
 * Every word belongs to one writer, which stores versions 1, 2, 3... and says before a store that it is coming and after
 * it that it is done. A reader that notes what was done before its load and what had been announced after it knows the only
 * versions it may see; a page of another address, a stale frame or a lost store falls outside.
 *
 * <pre>{@code
 * SoakReport report = new Soak(new SoakOptions(42, Duration.ofMinutes(1))).run(System.out::println);
 * }</pre>
 */
@NullMarked
package org.heteromem.stress.soak;

import org.jspecify.annotations.NullMarked;
