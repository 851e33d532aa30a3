package org.heteromem.core.mirror;

import org.heteromem.core.AddressSpace;
import org.jspecify.annotations.Nullable;

/**
 * A range of addresses whose page-table entries are about to change (Linux: mmu_notifier_range).
 *
 * @param reason why
 * @param space whose addresses
 * @param address first byte, a multiple of the page size
 * @param length bytes, a multiple of the page size
 * @param owner for {@link Reason#MIGRATE} and {@link Reason#EXCLUSIVE} the device that causes it, which may then leave its
 *     own table alone; else null
 */
public record Invalidation(
        Reason reason,
        AddressSpace space,
        long address,
        long length,
        @Nullable Object owner) {
    /** Why entries change (enum mmu_notifier_event). */
    public enum Reason {
        /** The range is unmapped or moved. */
        UNMAP,
        /** Entries are cleared or replaced: contents or frames change. */
        CLEAR,
        /** The protection of the area changes. */
        PROTECTION_AREA,
        /** Entries become read-only one by one: fork. */
        PROTECTION_PAGE,
        /** The address space goes away. */
        RELEASE,
        /** A migration collects the range. */
        MIGRATE,
        /** A device takes a page for itself. */
        EXCLUSIVE
    }

    /** {@return the first byte address after the range} */
    public long end() {
        return address + length;
    }
}
