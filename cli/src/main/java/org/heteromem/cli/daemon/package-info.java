/**
 * What {@code heteromem daemon}, {@code exec}, {@code status}, {@code smaps} and {@code top} are made of.
 *
 * <pre>
 *   command line ──► DaemonSettings ◄── heteromem.toml
 *                          │
 *                          ▼
 *                    ServedDaemon ──► Daemon (module live) ◄── Observer ◄── status, smaps, top
 *                          │             │ status()
 *                          └──► MetricsServer ──► Prometheus
 * </pre>
 *
 * <pre>{@code
 * DaemonSettings settings = DaemonSettings.read(Path.of("heteromem.toml"));
 * try (ServedDaemon daemon = ServedDaemon.start(settings.options(socket), System.out::println)) {
 *     daemon.await();
 * }
 * }</pre>
 */
@NullMarked
package org.heteromem.cli.daemon;

import org.jspecify.annotations.NullMarked;
