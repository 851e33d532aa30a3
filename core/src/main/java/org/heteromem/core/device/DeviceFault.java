package org.heteromem.core.device;

import java.util.Objects;
import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Page;
import org.heteromem.core.space.DropBehind;
import org.heteromem.core.space.Mm;
import org.jspecify.annotations.Nullable;

/**
 * A touch of a page that lives in memory the CPU cannot address (Linux: struct vm_fault). Valid during the driver's call, and
 * by the thread that calls it and those that it waits for: later it says nothing, and then tells of another touch.
 */
public final class DeviceFault {
    private @Nullable Mm mm;
    private long areaStart;
    private long areaEnd;
    private long page;
    private Access access = Access.READ;
    private long frame;
    private @Nullable DeviceMemory memory;

    /** Made by the core, and used again; not for drivers. */
    public DeviceFault() {}

    /**
     * Begins to tell of a touch; for the core.
     *
     * @param mm whose address space
     * @param areaStart first page of the area
     * @param areaEnd first page after the area
     * @param page the page touched
     * @param access what was tried
     * @param frame the device frame it lives in
     * @param memory the device memory
     */
    @SuppressWarnings("exports") // only the core can call it
    public void begin(Mm mm, long areaStart, long areaEnd, long page, Access access, long frame, DeviceMemory memory) {
        this.mm = mm;
        this.areaStart = areaStart;
        this.areaEnd = areaEnd;
        this.page = page;
        this.access = access;
        this.frame = frame;
        this.memory = memory;
    }

    /** The driver's call is over; for the core, not for drivers. */
    public void end() {
        mm = null;
        memory = null;
    }

    private Mm valid() {
        Mm now = mm;
        if (now == null) {
            throw new IllegalStateException("a device fault is valid during the driver's call only, which is over");
        }
        return now;
    }

    /** {@return whose address space} */
    public AddressSpace space() {
        return valid().face();
    }

    /** {@return the inside of the address space; for the core} */
    @SuppressWarnings("exports") // only the core can use it
    public Mm mm() {
        return valid();
    }

    /** {@return the address of the page touched} */
    public long address() {
        valid();
        return Page.address(page);
    }

    /** {@return first address of the area: a migration for this fault must stay within it} */
    public long areaStart() {
        valid();
        return Page.address(areaStart);
    }

    /** {@return first address after the area} */
    public long areaEnd() {
        valid();
        return Page.address(areaEnd);
    }

    /** {@return what was tried} */
    public Access access() {
        valid();
        return access;
    }

    /**
     * A sequential reader has gone past the pages right before the touched one: where their memory is homed and its policy wants
     * that, they are the first to leave (drop-behind), but for those that had come back soon. Without their page locks; what is
     * not there is passed over.
     *
     * @param pages how many; those outside the area do not count
     */
    public void leaveBehind(int pages) {
        DropBehind.run(valid(), Math.max(areaStart, page - pages), page);
    }

    /** {@return the device frame in which the page lives} */
    public long frame() {
        valid();
        return frame;
    }

    /** {@return the device memory in which the page lives} */
    public DeviceMemory memory() {
        valid();
        return Objects.requireNonNull(memory);
    }
}
