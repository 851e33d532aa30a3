/**
 * Memory larger than RAM for Java programs: allocate from an {@link java.lang.foreign.Arena} as always, and what RAM has no
 * room for lives on devices.
 *
 * <pre>{@code
 * try (Heteromem memory = Heteromem.open(Options.ram("512M").overflow("compressed", "8G"));
 *     Arena arena = memory.arena()) {
 *   MemorySegment table = arena.allocate(4L << 30, 64); // a plain segment: any library may use it
 *   table.setAtIndex(JAVA_LONG, 12_345, 42);            // a page comes to be where it is touched
 *   library.index(table);                               // what was not used for long has moved to compressed memory
 * }                                                     // and is gone everywhere
 * }</pre>
 *
 * <pre>
 *    program                                    daemon
 *   +-----------------------------+            +---------------------------+
 *   | segments ── load, store ──► | page fault | brings the page to RAM,   |
 *   | of arenas   RAM pages    ◄──|────────────| and others out of it      |──► compressed, file, ...
 *   +-----------------------------+            +---------------------------+
 * </pre>
 *
 * <p>The daemon is a process of its own: {@link org.heteromem.live.Heteromem#open} uses one that runs, or starts one for
 * this program alone. A program that wants to be faster says what it will need, and what not:
 *
 * <pre>{@code
 * memory.advise(table, Advice.SEQUENTIAL);
 * memory.prefetch(table.asSlice(next, 64 << 20));
 * try (Pin pin = memory.pin(header)) { ... }            // stays in RAM meanwhile
 * Residency where = memory.residency(table);            // 131072 pages in RAM, 917504 on compressed
 * }</pre>
 *
 * <p>Needs Linux 5.19 or newer; {@code heteromem doctor} says what a machine allows. What it costs and when not to use it:
 * a thread that touches an absent page waits for it, and with it the garbage collector waits for the thread; system calls
 * with segments need the full {@linkplain org.heteromem.live.Heteromem#tier() tier}, or {@link
 * org.heteromem.live.Heteromem#touch(java.lang.foreign.MemorySegment, Heteromem.Body) touch}; a forked child does not have
 * the memory; and virtual threads keep their carrier while they wait for a page.
 */
@NullMarked
package org.heteromem.live;

import org.jspecify.annotations.NullMarked;
