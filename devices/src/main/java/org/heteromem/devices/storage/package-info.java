/**
 * Devices that hold pages which do not fit in RAM, and compute nothing: memory, compressed memory, a file.
 *
 * <pre>
 *      RAM ──evict──────────► StorageDevice ──demoteTo──► StorageDevice
 *       ▲                      │   (driver)                 │
 *       └──a touch, or fetch───┴────────────────────────────┘
 *                              │
 *                          PageStore: RamStore │ CompressedStore │ FileStore
 *                              │
 *                          StoreMemory: what must be there after a sudden end
 * </pre>
 *
 * One driver serves every store. It only moves pages; which of them, and when, is decided outside: by {@link
 * Overflow}, by a daemon, by a program that knows what it will need.
 *
 * <pre>{@code
 * StorageDevice device = StorageDevices.create(
 *         manager, "compressed:64M", StoreMemory.of(arena), StorageOptions.defaults());
 * manager.setPressureHandler(new Overflow(manager, List.of(device)));
 * cpu.storeLong(address, 42);             // RAM is short? cold pages have gone to the device; a touch brings them back
 * }</pre>
 */
@NullMarked
package org.heteromem.devices.storage;

import org.jspecify.annotations.NullMarked;
