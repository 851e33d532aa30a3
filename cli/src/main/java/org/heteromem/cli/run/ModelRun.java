package org.heteromem.cli.run;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
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
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Cpu;
import org.heteromem.core.MemoryExhaustedException;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Protection;
import org.heteromem.core.Sharing;
import org.heteromem.core.event.EventSink;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.devices.accelerator.Accelerator;
import org.heteromem.devices.accelerator.Kernel;

/**
 * The modelled machine: one process on one node of RAM and one accelerator, with real threads for both. Used by one
 * thread, and closed by it.
 */
final class ModelRun implements WorkloadContext, AutoCloseable {
    /** Compute units of the accelerator. */
    static final int UNITS = 8;

    private final Timeline timeline;
    private final RunProgress progress;
    private final int threads;
    private final ExecutorService cpuThreads;
    private final ExecutorService deviceThreads;
    private final MemoryManager manager;
    private final AddressSpace space;
    private final Accelerator accelerator;
    private final Map<Long, Long> allocations = new LinkedHashMap<>();
    private double done;

    /**
     * Builds the machine.
     *
     * @param options what it has
     * @param timeline is told of allocations and phases
     * @param events gets the event stream
     * @param clock nanoseconds since any moment
     * @param progress is told how far the job has come
     */
    ModelRun(RunOptions options, Timeline timeline, EventSink events, LongSupplier clock, RunProgress progress) {
        this.timeline = timeline;
        this.progress = progress;
        this.threads = options.threads();
        this.cpuThreads = Executors.newFixedThreadPool(threads, daemons("cpu"));
        // Units, the fault service and the copy engine: none may wait for another's thread.
        this.deviceThreads =
                Executors.newCachedThreadPool(daemons(options.device().type().label()));
        this.manager =
                MemoryManager.builder().node(options.ramBytes()).events(events).build();
        this.accelerator = Accelerator.builder(manager, options.policies())
                .name(options.device().type().label())
                .memory(options.device().bytes())
                .units(UNITS, deviceThreads)
                .faultService(deviceThreads)
                .copyEngine(deviceThreads)
                .clock(clock)
                .build();
        this.manager.setPressureHandler(accelerator.pressureHandler());
        this.space = manager.createAddressSpace();
    }

    private static ThreadFactory daemons(String name) {
        return Thread.ofPlatform().daemon().name(name + "-", 0).factory();
    }

    @Override
    public long allocate(long bytes, String name) {
        long address = space.map(bytes, Protection.READ_WRITE, Sharing.PRIVATE);
        allocations.put(address, bytes);
        timeline.allocated(name, address, bytes);
        return address;
    }

    @Override
    public void free(long address) {
        Long bytes = allocations.remove(address);
        if (bytes == null) {
            throw new IllegalArgumentException("0x" + Long.toHexString(address) + " was not allocated here");
        }
        space.unmap(address, bytes);
        timeline.freed(address);
    }

    @Override
    public void cpu(String phase, CpuPhase body) {
        onCpus(phase, 1, (memory, _, _) -> body.run(memory));
    }

    @Override
    public void cpuParallel(String phase, ParallelCpuPhase body) {
        onCpus(phase, threads, body);
    }

    private void onCpus(String phase, int parts, ParallelCpuPhase body) {
        phase(phase, "CPU", () -> {
            List<Callable<Void>> tasks = new ArrayList<>();
            for (int part = 0; part < parts; part++) {
                int number = part;
                tasks.add(() -> {
                    try (Cpu cpu = space.newCpu()) {
                        body.run(cpu, number, parts);
                    }
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
        phase(phase, "accelerator", () -> accelerator.launch(space, kernel).join());
    }

    /** What may end with anything. */
    private interface Work {
        void run() throws InterruptedException, ExecutionException;
    }

    private void phase(String phase, String where, Work work) {
        progress.at(done, phase);
        long start = timeline.now();
        try {
            work.run();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("'" + phase + "' was interrupted", e);
        } catch (ExecutionException e) {
            throw failure(phase, where, Objects.requireNonNullElse(e.getCause(), e));
        } catch (RuntimeException e) {
            throw failure(phase, where, e);
        } finally {
            timeline.phase(phase, where, start);
        }
    }

    private static RuntimeException failure(String phase, String where, Throwable cause) {
        return switch (cause) {
            case Error e -> throw e;
            case MemoryExhaustedException e -> e;
            default -> new PhaseFailedException(where, phase, cause);
        };
    }

    @Override
    public void progress(double share) {
        done = share;
        progress.at(share, "");
    }

    /** {@return pages of what is allocated, by the name of the memory they live in} */
    Map<String, Long> residentPages() {
        Map<String, Long> resident = new TreeMap<>();
        manager.nodes().forEach(node -> resident.put("node" + node.id(), 0L));
        resident.put(accelerator.memory().name(), 0L);
        allocations.forEach((address, bytes) -> Inspector.smaps(space, address, bytes)
                .byMemory()
                .forEach((memory, pages) -> resident.merge(memory, pages, Long::sum)));
        return resident;
    }

    /** {@return the memory as a CPU of the process sees it; to be closed} */
    Cpu newCpu() {
        return space.newCpu();
    }

    @Override
    public void close() {
        cpuThreads.shutdownNow();
        space.exit();
        accelerator.close();
        deviceThreads.shutdown();
        manager.close();
    }
}
