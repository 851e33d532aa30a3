package org.heteromem.core.memory;

/**
 * Asked before a node hands out a frame: the port through which tests make allocations fail where they like (Linux:
 * fault injection, failslab and fail_page_alloc). A refusal looks like a node without a free frame. Called by any thread,
 * under no lock but possibly an address space's; must not call into the memory manager.
 */
@FunctionalInterface
public interface AllocationGate {
    /**
     * {@return whether the node may hand out a frame if it has one}
     *
     * @param node the node that is asked
     */
    boolean mayAllocate(MemoryNode node);
}
