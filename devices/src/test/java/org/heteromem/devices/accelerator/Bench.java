package org.heteromem.devices.accelerator;

import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.UnaryOperator;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Cpu;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.Sharing;
import org.heteromem.core.event.MemoryEvent;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.core.policy.PolicySet;
import org.heteromem.policy.Policies;

/** A machine with RAM, one process and one accelerator, for tests. */
final class Bench implements AutoCloseable {
    final ConcurrentLinkedQueue<MemoryEvent> events = new ConcurrentLinkedQueue<>();
    final MemoryManager manager;
    final AddressSpace space;
    final Accelerator accelerator;
    private final ExecutorService threads = Executors.newCachedThreadPool();

    private Bench(
            long ramPages, long devicePages, PolicySet policies, UnaryOperator<AcceleratorBuilder> more, boolean pool) {
        manager = MemoryManager.builder()
                .node(ramPages * Page.SIZE)
                .events(events::add)
                .build();
        AcceleratorBuilder builder = Accelerator.builder(manager, policies)
                .memory(devicePages * Page.SIZE)
                .clock(System::nanoTime);
        if (pool) {
            builder.units(4, threads).faultService(threads).copyEngine(threads);
        } else {
            builder.units(1, Runnable::run);
        }
        accelerator = more.apply(builder).build();
        manager.setPressureHandler(accelerator.pressureHandler());
        space = manager.createAddressSpace();
    }

    /** All on the calling thread, with one compute unit. */
    static Bench single(long ramPages, long devicePages, String policy) {
        return single(ramPages, devicePages, policy, builder -> builder);
    }

    static Bench single(long ramPages, long devicePages, String policy, UnaryOperator<AcceleratorBuilder> more) {
        return new Bench(ramPages, devicePages, Policies.byName(policy), more, false);
    }

    static Bench single(long ramPages, long devicePages, PolicySet policies) {
        return new Bench(ramPages, devicePages, policies, builder -> builder, false);
    }

    /** Four compute units, a fault service and a copy engine on threads of their own. */
    static Bench threaded(long ramPages, long devicePages, String policy) {
        return threaded(ramPages, devicePages, policy, builder -> builder);
    }

    static Bench threaded(long ramPages, long devicePages, String policy, UnaryOperator<AcceleratorBuilder> more) {
        return new Bench(ramPages, devicePages, Policies.byName(policy), more, true);
    }

    ExecutorService threads() {
        return threads;
    }

    long map(long pages) {
        return space.map(pages * Page.SIZE, Protection.READ_WRITE, Sharing.PRIVATE);
    }

    void run(Kernel kernel) {
        accelerator.launch(space, kernel).join();
    }

    /** Stores value + page number into every page, by a CPU. */
    void fill(long address, long pages, long value) {
        try (Cpu cpu = space.newCpu()) {
            for (long i = 0; i < pages; i++) {
                cpu.storeLong(address + i * Page.SIZE, value + i);
            }
        }
    }

    long load(long address) {
        try (Cpu cpu = space.newCpu()) {
            return cpu.loadLong(address);
        }
    }

    PageKind kind(long address) {
        return Inspector.pages(space, address, 1)[0].kind();
    }

    List<PageKind> kinds(long address, int pages) {
        return List.of(Inspector.pages(space, address, pages)).stream()
                .map(view -> view.kind())
                .toList();
    }

    AcceleratorStatistics statistics() {
        return accelerator.statistics();
    }

    @Override
    public void close() {
        threads.close();
        manager.close();
    }
}
