package org.heteromem.core.device;

/** How a driver answers a CPU fault on its page (vm_fault_t of migrate_to_ram). */
public enum DriverResult {
    /** The page is home, or somebody else was faster; the touch is tried again. */
    DONE,
    /** No frame of RAM was free; room is made and the touch is tried again (VM_FAULT_OOM). */
    NO_MEMORY,
    /** The page cannot be produced: the touch fails (VM_FAULT_SIGBUS). */
    FAILED
}
