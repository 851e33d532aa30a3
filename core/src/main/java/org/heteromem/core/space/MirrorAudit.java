package org.heteromem.core.space;

import java.util.HashMap;
import java.util.Map;
import org.heteromem.core.Page;
import org.heteromem.core.device.DeviceMemory;
import org.heteromem.core.frame.DeviceFrames;
import org.heteromem.core.frame.FrameRange;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.inspect.MirrorView;
import org.heteromem.core.inspect.Rule;
import org.jspecify.annotations.Nullable;

/** The part of {@link StateAudit} that holds the tables of devices against the page tables of the processes they follow. */
final class MirrorAudit {
    private record Place(int space, long page) {}

    private final FrameTable frames;
    private final HomedAudit.Report report;
    /** Whose table has a page that belongs to one device alone. */
    private final Map<Place, MirrorView> exclusive = new HashMap<>();

    MirrorAudit(FrameTable frames, HomedAudit.Report report) {
        this.frames = frames;
        this.report = report;
    }

    /** Checks one entry; the owner is null where the table is that of a device without memory of its own. */
    void check(MirrorView view, @Nullable Object owner, Mm mm, long address, long frame, boolean writable) {
        long page = Page.of(address);
        Vma area = mm.exited() ? null : mm.areas.find(page);
        long entry = area == null ? 0 : mm.pageTable.entry(page);
        if (area == null || PteLayout.frame(entry) != frame || !allows(area, owner, entry, writable)) {
            violation(
                    mm,
                    page,
                    frame,
                    writable,
                    "the table has " + PteLayout.describe(entry) + (area == null ? " and no area" : ""));
        } else if (PteLayout.kind(entry) == PteLayout.DEVICE_EXCLUSIVE) {
            MirrorView other = exclusive.putIfAbsent(new Place(mm.id(), page), view);
            if (other != null && other != view) {
                violation(mm, page, frame, writable, "so has another, of a page that is one device's alone");
            }
        }
    }

    private void violation(Mm mm, long page, long frame, boolean writable, String but) {
        report.violation(
                Rule.MIRROR,
                "a device has " + StateAudit.where(mm, page) + " as frame 0x" + Long.toHexString(frame)
                        + (writable ? " writable" : "") + ", but " + but);
    }

    private boolean allows(Vma area, @Nullable Object owner, long entry, boolean write) {
        return switch (PteLayout.kind(entry)) {
            case PteLayout.PRESENT -> PteLayout.allows(entry, write);
            case PteLayout.DEVICE_PRIVATE ->
                area.protection.readable() && (!write || PteLayout.writable(entry)) && owns(owner, entry);
            case PteLayout.DEVICE_EXCLUSIVE ->
                area.protection.readable() && (!write || PteLayout.writable(entry) && area.protection.writable());
            default -> false;
        };
    }

    /** Nobody but its owner can reach private memory. */
    private boolean owns(@Nullable Object owner, long entry) {
        FrameRange range = frames.find(PteLayout.frame(entry));
        DeviceMemory memory = range != null && range.owner instanceof DeviceFrames device ? device.memory() : null;
        return owner != null && memory != null && memory.owner() == owner;
    }
}
