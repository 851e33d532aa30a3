package org.heteromem.proof.op;

import org.heteromem.core.Access;
import org.heteromem.core.Advice;
import org.heteromem.core.Protection;
import org.heteromem.core.RemapMode;
import org.heteromem.core.Sharing;

/**
 * One step of a random run. All of a run's processes share a window of {@link #PAGES} pages; {@code space} is a slot of
 * processes, {@code page} a page of the window, {@code at} a byte of it, {@code device}, {@code node}, {@code store} and {@code
 * budget} are numbers in the machine. A step whose process is dead, or whose slot is taken or empty, does nothing: so any part of a run is a run.
 */
public sealed interface Op {
    /** Pages in the window. */
    int PAGES = 64;
    /** Slots for processes. */
    int SPACES = 3;
    /** Slots for references held from outside. */
    int HOLDS = 4;
    /** Storage devices: memory, a file, compressed memory. */
    int STORES = 3;
    /** Budgets of homed memory, each with a victim policy of its own. */
    int BUDGETS = 3;

    /** What kind of reference a {@link Hold} takes. */
    enum HoldKind {
        /** {@code Pins.get}. */
        GET,
        /** {@code Pins.pin}. */
        PIN,
        /** {@code Pins.pinLongTerm}. */
        LONG
    }

    /** A step over a range of pages of one process. */
    sealed interface OfRange extends Op {
        /** {@return the process's slot} */
        int space();

        /** {@return the first page} */
        int page();

        /** {@return how many pages} */
        int pages();
    }

    /** A step of a process's CPU at some bytes. */
    sealed interface OfBytes extends Op {
        /** {@return the process's slot} */
        int space();

        /** {@return the first byte} */
        int at();

        /** {@return how many bytes} */
        int bytes();
    }

    /** Maps pages. */
    record Map(int space, int page, int pages, Protection protection, Sharing sharing) implements OfRange {}

    /** Unmaps pages. */
    record Unmap(int space, int page, int pages) implements OfRange {}

    /** Changes protection. */
    record Protect(int space, int page, int pages, Protection protection) implements OfRange {}

    /** Moves pages to other addresses. */
    record Remap(int space, int page, int pages, int target, RemapMode mode) implements OfRange {}

    /** Advises. */
    record Advise(int space, int page, int pages, Advice advice) implements OfRange {}

    /** Locks in memory. */
    record Lock(int space, int page, int pages) implements OfRange {}

    /** Unlocks. */
    record Unlock(int space, int page, int pages) implements OfRange {}

    /** Duplicates a process into a free slot. */
    record Fork(int space, int child) implements Op {}

    /** Ends a process. */
    record Exit(int space) implements Op {}

    /** Loads 1, 4 or 8 bytes. */
    record Load(int space, int at, int bytes) implements OfBytes {}

    /** Stores 1, 4 or 8 bytes. */
    record Store(int space, int at, int bytes, long value) implements OfBytes {}

    /** Compares 4 or 8 bytes, with the value there or with another one, and sets them. */
    record CompareAndSet(int space, int at, int bytes, boolean hit, long value) implements OfBytes {}

    /** Adds to 4 or 8 bytes. */
    record Add(int space, int at, int bytes, long delta) implements OfBytes {}

    /** Copies bytes out. */
    record Read(int space, int at, int bytes) implements OfBytes {}

    /** Copies bytes in. */
    record Write(int space, int at, int bytes, long seed) implements OfBytes {}

    /** Has a fault served as one who does not execute the process does. */
    record Fault(int space, int page, Access access) implements OfRange {
        @Override
        public int pages() {
            return 1;
        }
    }

    /** A device reads pages. */
    record DeviceRead(int device, int space, int page, int pages) implements OfRange {}

    /** A device writes pages. */
    record DeviceWrite(int device, int space, int page, int pages, long seed) implements OfRange {}

    /** A device takes pages for itself. */
    record Exclusive(int device, int space, int page, int pages) implements OfRange {}

    /** Moves pages to a device. */
    record ToDevice(int device, int space, int page, int pages) implements OfRange {}

    /** Moves pages to a device by the face with two callbacks, and copies them all at once. */
    record ToDeviceAtOnce(int device, int space, int page, int pages) implements OfRange {}

    /**
     * A device looks at pages without faulting them in; three bytes for each: that none can be there, that it could read it,
     * that it could write it.
     */
    record Snapshot(int device, int space, int page, int pages) implements OfRange {}

    /** Moves pages from a device to RAM. */
    record ToRam(int device, int space, int page, int pages) implements OfRange {}

    /** Moves pages in RAM to a node. */
    record ToNode(int node, int space, int page, int pages) implements OfRange {}

    /** Moves a device's frames to RAM, whoever maps them. */
    record EvictDevice(int device, int from, int count) implements Op {}

    /** Moves frames of a node to another, whoever maps them. */
    record EvictNode(int node, int from, int count) implements Op {}

    /** A device is taken out, which is refused while it has pages, and plugged in again. */
    record Replug(int device) implements Op {}

    /** A device loses what it has of a range. */
    record Lose(int device, int space, int page, int pages) implements OfRange {}

    /** Takes references from outside into a free slot. */
    record Hold(int hold, int space, int page, int pages, Access access, HoldKind kind) implements OfRange {}

    /** Reads what is held. */
    record HoldRead(int hold) implements Op {}

    /** Writes to what is pinned for writing. */
    record HoldWrite(int hold, long seed) implements Op {}

    /** Gives references back. */
    record Release(int hold) implements Op {}

    // ---- homed memory and storage ------------------------------------------------------------------------------

    /** Maps new homed memory. */
    record MapHomed(int space, int page, int pages, int budget) implements OfRange {}

    /** Changes how many frames of homed memory may be in use. */
    record Budget(int budget, int frames) implements Op {}

    /** Moves pages from RAM to a storage device. */
    record Evict(int store, int space, int page, int pages) implements OfRange {}

    /** Brings pages home from a storage device. */
    record Fetch(int store, int space, int page, int pages) implements OfRange {}

    /** Moves the coldest pages of all RAM to a storage device. */
    record Reclaim(int store, int pages) implements Op {}

    /** Moves the pages that a storage device has had longest to another. */
    record Demote(int store, int target, int pages) implements Op {}

    /** Damages what a storage device holds of a page. */
    record Damage(int store, int space, int page) implements OfRange {
        @Override
        public int pages() {
            return 1;
        }
    }

    /** A storage device ends suddenly, and a successor finds what it left; an empty one is removed for good. */
    record Restart(int store) implements Op {}
}
