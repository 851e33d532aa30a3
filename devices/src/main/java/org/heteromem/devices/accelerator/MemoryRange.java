package org.heteromem.devices.accelerator;

/**
 * Memory of a process, as a kernel's constructor can take it when the kernel wants to know how much there is.
 *
 * @param address first byte, as the process and the kernel's {@link org.heteromem.core.MemoryAccess} know it
 * @param byteSize length in bytes, at least 1
 */
public record MemoryRange(long address, long byteSize) {}
