package org.heteromem.devices.accelerator;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.heteromem.core.Page;
import org.heteromem.core.event.MemoryEvent;

/**
 * The fault buffer and who empties it: takes faults in batches, serves those of a 2 MiB block together, and lets the
 * units try again (replay). One batch at a time; new faults meanwhile make the next one.
 */
final class FaultService {
    /** The most faults in a batch, as in NVIDIA's driver. */
    static final int BATCH_FAULTS = 256;

    private record BlockKey(Mirror mirror, long block) {}

    private record PageKey(Mirror mirror, long page) {}

    private final Machinery device;
    private final Executor executor;
    private final BlockFaults server;
    private final ReentrantLock serving = new ReentrantLock();
    private final AtomicBoolean scheduled = new AtomicBoolean();
    private final Deque<PendingFault> buffer = new ArrayDeque<>();

    FaultService(Machinery device, Executor executor) {
        this.device = device;
        this.executor = executor;
        this.server = new BlockFaults(device);
    }

    /** Puts a fault into the buffer and sees that somebody comes for it. */
    void raise(PendingFault fault) {
        device.tally().faults.increment();
        if (fault.attempt() > 1) {
            device.tally().replays.increment();
        }
        device.manager()
                .emit(() -> new MemoryEvent.DeviceFault(
                        device.memory().name(),
                        fault.mirror().space().id(),
                        Page.address(fault.page()),
                        fault.access()));
        synchronized (buffer) {
            buffer.add(fault);
        }
        schedule();
    }

    private void schedule() {
        if (!scheduled.compareAndSet(false, true)) {
            return;
        }
        try {
            executor.execute(this::serveAll);
        } catch (RejectedExecutionException e) {
            // The executor is gone while kernels still run: whoever faults serves.
            serveAll();
        }
    }

    private void serveAll() {
        do {
            try {
                while (serveBatch() > 0) {
                    // on to the next
                }
            } finally {
                scheduled.set(false);
            }
        } while (waiting() && scheduled.compareAndSet(false, true));
    }

    private boolean waiting() {
        synchronized (buffer) {
            return !buffer.isEmpty();
        }
    }

    private List<PendingFault> take() {
        List<PendingFault> batch = new ArrayList<>();
        synchronized (buffer) {
            while (batch.size() < BATCH_FAULTS && !buffer.isEmpty()) {
                batch.add(buffer.remove());
            }
        }
        return batch;
    }

    /** {@return how many faults were served: one batch of those in the buffer} */
    int serveBatch() {
        serving.lock();
        try {
            List<PendingFault> batch = take();
            if (!batch.isEmpty()) {
                serve(batch);
            }
            return batch.size();
        } finally {
            serving.unlock();
        }
    }

    private void serve(List<PendingFault> batch) {
        long start = device.now();
        device.nextUseTime();
        Map<BlockKey, List<PendingFault>> blocks = new LinkedHashMap<>();
        Set<PageKey> pages = new HashSet<>();
        for (PendingFault fault : batch) {
            blocks.computeIfAbsent(
                            new BlockKey(fault.mirror(), DeviceBlock.number(fault.page())), key -> new ArrayList<>(4))
                    .add(fault);
            pages.add(new PageKey(fault.mirror(), fault.page()));
        }
        blocks.forEach((key, faults) -> serveBlock(key.mirror(), faults));
        Tally tally = device.tally();
        tally.batches.increment();
        tally.batchesOfSeveral.add(batch.size() > 1 ? 1 : 0);
        tally.largestBatch.accumulate(batch.size());
        tally.duplicates.add(batch.size() - pages.size());
        tally.serviceNanos.add(device.now() - start);
        device.manager().emit(() -> new MemoryEvent.FaultBatch(device.memory().name(), batch.size(), pages.size()));
    }

    private void serveBlock(Mirror mirror, List<PendingFault> faults) {
        try {
            server.serve(mirror, faults);
        } catch (Throwable e) {
            // Whatever went wrong, nobody may wait for ever, and each unit shall learn the reason.
            for (PendingFault fault : faults) {
                if (!fault.isDone()) {
                    fault.fail(() -> new IllegalStateException(
                            "device '" + device.memory().name() + "' could not serve a fault at 0x"
                                    + Long.toHexString(fault.address()),
                            e));
                }
            }
        }
    }
}
