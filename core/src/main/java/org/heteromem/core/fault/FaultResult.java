package org.heteromem.core.fault;

import org.heteromem.core.event.FaultKind;
import org.heteromem.core.memory.MemoryNode;
import org.heteromem.core.policy.FrameDemand;
import org.heteromem.core.wait.WaitPoint;
import org.jspecify.annotations.Nullable;

/** What became of a fault (Linux: vm_fault_t). */
public sealed interface FaultResult {
    /**
     * Served: the access may be tried again.
     *
     * @param kind what it was
     */
    record Done(FaultKind kind) implements FaultResult {}

    /**
     * The driver did its work but the page is still where it was: try again, but not for ever.
     *
     * @param device its name
     */
    record NoProgress(String device) implements FaultResult {}

    /**
     * Something is in the way.
     *
     * @param point what to wait for
     * @param kind what it is
     */
    record Wait(WaitPoint point, FaultKind kind) implements FaultResult {}

    /**
     * A frame is needed and none is free.
     *
     * @param node where one was wanted
     * @param demand what it is for
     */
    record NoMemory(MemoryNode node, FrameDemand demand) implements FaultResult {}

    /**
     * SIGSEGV.
     *
     * @param detail why
     */
    record Segv(String detail) implements FaultResult {}

    /**
     * SIGBUS.
     *
     * @param device the name of the device that cannot produce the page
     * @param detail why
     * @param cause if any
     */
    record Bus(String device, String detail, @Nullable Throwable cause) implements FaultResult {}

    /** The results of each kind, made once. */
    FaultResult DEMAND_ZERO = new Done(FaultKind.DEMAND_ZERO);

    /** See {@link FaultKind}. */
    FaultResult ZERO_PAGE = new Done(FaultKind.ZERO_PAGE);

    /** See {@link FaultKind}. */
    FaultResult SHARED = new Done(FaultKind.SHARED);

    /** See {@link FaultKind}. */
    FaultResult COPY_ON_WRITE = new Done(FaultKind.COPY_ON_WRITE);

    /** See {@link FaultKind}. */
    FaultResult REUSE = new Done(FaultKind.REUSE);

    /** See {@link FaultKind}. */
    FaultResult DEVICE_PAGE = new Done(FaultKind.DEVICE_PAGE);

    /** See {@link FaultKind}. */
    FaultResult EXCLUSIVE = new Done(FaultKind.EXCLUSIVE);

    /** See {@link FaultKind}. */
    FaultResult IDLE = new Done(FaultKind.IDLE);

    /** See {@link FaultKind}. */
    FaultResult SPURIOUS = new Done(FaultKind.SPURIOUS);
}
