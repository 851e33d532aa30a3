/**
 * The memory manager: frames, page tables, address spaces, faults, migration, device memory and mirrors.
 *
 * <p>Pure Java on {@code java.base}: no I/O, no native call, no clock and no threads of its own.
 */
module org.heteromem.core {
    requires static org.jspecify;
}
