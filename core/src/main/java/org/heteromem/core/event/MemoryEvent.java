package org.heteromem.core.event;

import org.heteromem.core.Access;

/** Something that happened to memory. In a single thread the same calls give the same events in the same order. */
public sealed interface MemoryEvent {
    /**
     * A CPU fault was served.
     *
     * @param space the address space's number
     * @param address first byte of the page
     * @param access what the CPU tried
     * @param kind what it turned out to be
     */
    record CpuFault(int space, long address, Access access, FaultKind kind) implements MemoryEvent {}

    /**
     * A device faulted on an address.
     *
     * @param device the device's name
     * @param space the address space's number
     * @param address first byte of the page
     * @param access what the device tried
     */
    record DeviceFault(String device, int space, long address, Access access) implements MemoryEvent {}

    /**
     * A device served a batch of faults.
     *
     * @param device the device's name
     * @param faults how many faults were in the batch
     * @param pages how many different pages they meant
     */
    record FaultBatch(String device, int faults, int pages) implements MemoryEvent {}

    /**
     * A run of neighbouring pages moved.
     *
     * @param space the address space's number; for a move by frame one of those that map the page, or -1 if none does
     * @param address first byte; for a page that nobody maps, the physical address it left
     * @param pages how many
     * @param from name of the memory they left; "none" for pages that had no frame
     * @param to name of the memory they went to
     */
    record PagesMoved(int space, long address, long pages, String from, String to) implements MemoryEvent {}

    /**
     * A migration ended.
     *
     * @param space the address space's number, or -1 for a migration by frame
     * @param address first byte of the range, or 0
     * @param pages pages looked at
     * @param collected pages that could be isolated
     * @param migrated pages that moved
     */
    record MigrationDone(int space, long address, long pages, long collected, long migrated) implements MemoryEvent {}

    /**
     * A device or a node made room.
     *
     * @param memory the name of the memory that was short
     * @param pages how many pages left it
     */
    record Evicted(String memory, long pages) implements MemoryEvent {}

    /**
     * Pages were referenced or released from outside.
     *
     * @param space the address space's number
     * @param address first byte
     * @param pages how many
     * @param change what happened
     */
    record Pinned(int space, long address, long pages, PinChange change) implements MemoryEvent {}

    /**
     * Followers of a range were told of a change.
     *
     * @param space the address space's number
     * @param address first byte
     * @param length bytes
     * @param reason why, the name of an {@code Invalidation.Reason}
     */
    record Notified(int space, long address, long length, String reason) implements MemoryEvent {}

    /**
     * A page was lost for good.
     *
     * @param space the address space's number, or -1
     * @param address first byte, or the physical address where it was
     * @param device the name of the device that lost it
     */
    record PageLost(int space, long address, String device) implements MemoryEvent {}

    /**
     * The areas of an address space changed.
     *
     * @param space the address space's number
     * @param operation its name
     * @param address first byte
     * @param length bytes
     */
    record AreaChanged(int space, String operation, long address, long length) implements MemoryEvent {}
}
