/**
 * An emulated accelerator: memory of its own that no CPU can address, and compute units that run kernels written in Java
 * against the addresses of a process.
 *
 * <pre>
 *   compute unit ──► own translation cache ──► DeviceTable (page ► frame) ──► frame store
 *                                                 │ miss        ▲ fill         ▲ copies
 *                                                 ▼             │              │
 *                                            fault buffer ──► FaultService ──► CopyEngine
 *                                            (waits)          asks the policy, migrates or mirrors, wakes (replay)
 *   CPU touches a device page ──► Homecoming: what the policy says goes back to RAM
 *   RAM is short              ──► PressureRelief: cold pages come here
 *   the page table changes    ──► Mirror: entries go, caches are shot down, stores in flight are waited for
 * </pre>
 *
 * Kernels translate through the device's own table and nothing else.
 *
 * <pre>{@code
 * Accelerator accelerator = Accelerator.builder(manager, policies)
 *         .memory(32L << 20)
 *         .units(4, pool)                  // whose threads run kernels
 *         .faultService(pool)
 *         .build();
 * manager.setPressureHandler(accelerator.pressureHandler());
 * accelerator.launch(space, (memory, unit, units) -> memory.getAndAddLong(address, 1)).join();
 * }</pre>
 *
 * With {@code Runnable::run} for every executor all happens on the calling thread, in an order that repeats.
 */
@NullMarked
package org.heteromem.devices.accelerator;

import org.jspecify.annotations.NullMarked;
