package org.heteromem.cli.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.function.LongSupplier;
import org.heteromem.cli.workload.CpuPhase;
import org.heteromem.cli.workload.ParallelCpuPhase;
import org.heteromem.cli.workload.WorkloadContext;
import org.heteromem.core.MemoryExhaustedException;
import org.heteromem.core.Page;
import org.heteromem.devices.accelerator.Kernel;
import org.heteromem.live.Heteromem;

/**
 * This process as the machine of a job: its allocations are segments of managed memory, its phases run on this process's
 * threads, a daemon serves their page faults. Used by one thread, and closed by it.
 */
final class LiveRun implements WorkloadContext, AutoCloseable {
    private final Heteromem memory;
    private final LiveTimeline timeline;
    private final RunProgress progress;
    private final LongSupplier clock;
    private final int threads;
    private final ExecutorService cpuThreads;
    private final DevicePhases device;
    private final Map<Long, Allocation> allocations = new LinkedHashMap<>();
    private double done;

    private record Allocation(Arena arena, MemorySegment segment) {}

    /**
     * Takes memory over.
     *
     * @param memory closed by the caller, afterwards
     * @param options of the run
     * @param deviceBytes memory of the daemon's device, 0 if it has none and CPU threads run kernels
     * @param timeline is told of allocations and phases
     * @param clock nanoseconds since any moment
     * @param progress is told how far the job has come
     */
    LiveRun(
            Heteromem memory,
            LiveOptions options,
            long deviceBytes,
            LiveTimeline timeline,
            LongSupplier clock,
            RunProgress progress) {
        this.memory = memory;
        this.timeline = timeline;
        this.progress = progress;
        this.clock = clock;
        this.threads = options.threads();
        this.cpuThreads = Executors.newCachedThreadPool(daemons());
        this.device = deviceBytes == 0
                ? new CpuDevicePhases(cpuThreads, options.threads())
                : new AcceleratorPhases(memory, new DeviceSpec(DeviceType.ACCELERATOR, deviceBytes).toString());
    }

    private static ThreadFactory daemons() {
        return Thread.ofPlatform().daemon().name("cpu-", 0).factory();
    }

    /** {@return who runs the phases that are kernels} */
    DevicePhases device() {
        return device;
    }

    @Override
    public long allocate(long bytes, String name) {
        Arena arena = memory.sharedArena(); // the time line looks at its segments from another thread
        MemorySegment segment;
        try {
            segment = arena.allocate(bytes, Page.SIZE);
        } catch (OutOfMemoryError e) {
            arena.close();
            throw new MemoryExhaustedException("no memory for '" + name + "': " + e.getMessage());
        }
        allocations.put(segment.address(), new Allocation(arena, segment));
        timeline.allocated(name, segment);
        return segment.address();
    }

    @Override
    public void free(long address) {
        Allocation allocation = allocations.remove(address);
        if (allocation == null) {
            throw new IllegalArgumentException("0x" + Long.toHexString(address) + " was not allocated here");
        }
        timeline.freed(address);
        allocation.arena().close();
    }

    @Override
    public void cpu(String phase, CpuPhase body) {
        onCpus(phase, 1, (access, _, _) -> body.run(access));
    }

    @Override
    public void cpuParallel(String phase, ParallelCpuPhase body) {
        onCpus(phase, threads, body);
    }

    private void onCpus(String phase, int parts, ParallelCpuPhase body) {
        phase(phase, "CPU", "CPU", () -> {
            List<Callable<Void>> tasks = new ArrayList<>();
            for (int part = 0; part < parts; part++) {
                int number = part;
                tasks.add(() -> {
                    body.run(SegmentMemory.INSTANCE, number, parts);
                    return null;
                });
            }
            for (Future<Void> task : cpuThreads.invokeAll(tasks)) {
                task.get();
            }
        });
    }

    @Override
    public void accelerate(String phase, Kernel kernel) {
        phase(phase, "accelerator", device.label(), () -> device.run(kernel));
    }

    /** What may end with anything. */
    private interface Work {
        void run() throws InterruptedException, ExecutionException;
    }

    private void phase(String phase, String kind, String where, Work work) {
        progress.at(done, phase);
        long start = clock.getAsLong();
        try {
            work.run();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("'" + phase + "' was interrupted", e);
        } catch (ExecutionException e) {
            Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
            if (cause instanceof Error error) {
                throw error;
            }
            throw new PhaseFailedException(where, phase, cause);
        } finally {
            timeline.phase(phase, kind, start);
        }
    }

    @Override
    public void progress(double share) {
        done = share;
        progress.at(share, "");
    }

    /** {@return pages of what is allocated, by the name of the memory they are in; not those that were never touched} */
    Map<String, Long> residentPages() {
        Map<String, Long> resident = new LinkedHashMap<>();
        resident.put("ram", 0L);
        for (Allocation allocation : allocations.values()) {
            var where = memory.residency(allocation.segment());
            resident.merge("ram", where.ram(), Long::sum);
            where.devices().forEach((place, pages) -> resident.merge(place, pages, Long::sum));
        }
        return resident;
    }

    @Override
    public void close() {
        cpuThreads.shutdownNow();
        allocations.values().forEach(allocation -> allocation.arena().close());
        allocations.clear();
    }
}
