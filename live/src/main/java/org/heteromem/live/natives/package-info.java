/**
 * The one seam between Heteromem and the Linux kernel: typed system calls by {@code java.lang.foreign}, nothing else.
 *
 * <p>Everything that live mode asks of the operating system goes through this package, and nothing in it decides
 * anything: no policy, no table of where a page is, no thread. Three layers, each thin:
 *
 * <pre>{@code
 *   Userfault  Memfd  Mapping  UnixSocket  PidFd  EventFd  Poller  Cpus  Processes     what callers see
 *        |       |       |         |         |       |        |
 *        |       |       +---------+---- Fd -+-------+--------+     an owned descriptor, safe to close at any time
 *        v       v                 v
 *   Uffdio  UffdMessage  Scratch        layouts as offsets (descriptor classes), one reusable buffer a thread
 *        |       |          |
 *        +-------+----------+
 *                v
 *              Calls                    method handles; every result is the kernel's own: value, or minus errno
 * }</pre>
 *
 * <p>Two manners of failing. Calls whose failure is part of ordinary life on the fault path (a page is already there, the
 * client is gone) are named {@code tryX} and return a count of bytes or minus an {@link
 * org.heteromem.live.natives.Errno}: no exception, no allocation. All others throw a {@link
 * org.heteromem.live.natives.NativeException} that names the call, its arguments and the error.
 *
 * <p>Where the platform has none of this (another system, another processor), {@link
 * org.heteromem.live.natives.Platform#current()} is empty and {@link org.heteromem.live.natives.Platform#require()}
 * says why; no class of this package fails to load.
 *
 * <p>An example, one page served to another thread of this process:
 *
 * <pre>{@code
 * try (Memfd memory = Memfd.create("region", 1 << 20);
 *         Mapping map = Mapping.shared(memory, 0, 1 << 20);
 *         Userfault faults = Userfault.open(Uffdio.FEATURE_MISSING_SHMEM)) {
 *   map.advise(Mapping.Advice.DONTFORK);
 *   faults.register(map.address(), map.length(), Uffdio.REGISTER_MISSING);
 *   // a thread touches map.segment(); the handler, best in another process, then does:
 *   UserfaultEvents events = new UserfaultEvents(16);
 *   int n = faults.read(events);
 *   for (int i = 0; i < n; i++) {
 *     faults.copy(events.address(i), page, 0, 4096, 0);
 *   }
 * }
 * }</pre>
 */
@NullMarked
package org.heteromem.live.natives;

import org.jspecify.annotations.NullMarked;
