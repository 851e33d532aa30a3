/**
 * What is behind the API, in the program's own JVM: regions and their pages, arenas, the control connection, the private
 * daemon.
 *
 * <pre>
 *   Heteromem ──► Session ──► ControlChannel ──────────── socket ───────► daemon
 *                   │              ▲   (one writer at a time, one reader thread)
 *      ManagedArena ┤              │
 *        │          ├── Ranges ────┤  prefetch, evict, pin ...: segments become ranges of pages
 *        ▼          │              │
 *      ArenaMemory ─┴► RegionPool ─┘  ALLOCATE, FREE, REGISTER_REGION with descriptors
 *        chunks          │ FreeRuns
 *                        ▼
 *                      Region         memfd + mapping + userfaultfd  ◄── faults, served by the daemon
 * </pre>
 *
 * <p>Nothing here maps an address to the place where its page is: that is the daemon's table alone. What is known here is
 * which arena owns which pages. All of it is on the Java heap, since a thread that touches managed memory may stop for as
 * long as a device takes, with all that it holds.
 *
 * <pre>{@code
 * Session session = Session.greet(UnixSocket.connect(path), path, Optional.empty(), OptionalLong.empty(), "example");
 * try (session; Arena arena = session.arena(Arena.ofConfined())) {
 *   MemorySegment bytes = arena.allocate(1 << 20);
 *   session.ranges().ask(MessageType.PREFETCH, bytes).join();
 * }
 * }</pre>
 */
@NullMarked
package org.heteromem.live.client;

import org.jspecify.annotations.NullMarked;
