package org.heteromem.live.daemon;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.MemoryManager;
import org.heteromem.devices.accelerator.Accelerator;
import org.heteromem.devices.accelerator.HostMemory;
import org.heteromem.devices.accelerator.Kernel;
import org.heteromem.devices.accelerator.MemoryRange;
import org.heteromem.devices.storage.RamStore;
import org.heteromem.live.wire.ErrorCode;
import org.heteromem.live.wire.Launch;
import org.heteromem.policy.Policies;

/**
 * The accelerator of one client and the kernels that run on it.
 *
 * <pre>
 *   client            control thread                 a thread a unit                    client's threads
 *   LAUNCH  ────────► class, arguments, start ─────► kernel ──► loads and stores         touch, fault,
 *   DONE, ERROR ◄──────────────────────────────────── the last unit that ends            page goes home
 * </pre>
 *
 * Nobody waits for a kernel but who has launched it. Its pages live in memory that outlives the daemon; the kernel does not,
 * and the client is told so by the answer that a successor does not give. Thread-safe.
 */
final class Computing {
    /** Most kernels of a client at once. */
    static final int MAX_LAUNCHES = 16;

    private static final int MIN_UNITS = 2;
    private static final int MAX_UNITS = 16;
    private static final long END_SECONDS = 10;

    /** Who tells the client. */
    interface Answers {
        /** A kernel has ended well. */
        void done(long correlation);

        /** It has not. */
        void failed(long correlation, ErrorCode code, String detail);
    }

    private final MemoryManager manager;
    /** Whether all kernels have ended; the thread that ends the client only. */
    private boolean quiet;

    private final AddressSpace space;
    private final Accelerator accelerator;
    private final Kernels kernels;
    private final Answers answers;
    private final String label;
    private final AtomicLong unitNumbers = new AtomicLong();
    private final Set<Thread> units = ConcurrentHashMap.newKeySet();
    private final ReentrantLock gate = new ReentrantLock();
    private int running;
    private boolean stopped;
    final LongAdder launches = new LongAdder();
    final LongAdder failures = new LongAdder();

    /**
     * Makes the device; it follows the client from its first kernel on.
     *
     * @param manager whose device it is
     * @param space the client
     * @param device what was asked for
     * @param memory where its pages are kept
     * @param host the client's RAM
     * @param kernels what can run on it; closed with this
     * @param label of its threads
     * @param answers told of the end of kernels by other threads
     */
    Computing(
            MemoryManager manager,
            AddressSpace space,
            ComputeDevice device,
            DurableMemory memory,
            HostMemory host,
            Kernels kernels,
            String label,
            Answers answers) {
        this.manager = manager;
        this.space = space;
        this.kernels = kernels;
        this.label = label;
        this.answers = answers;
        int count = Math.clamp(Runtime.getRuntime().availableProcessors(), MIN_UNITS, MAX_UNITS);
        // A thread a unit and launch: units may wait for each other. The unit that faults serves its fault: it is the
        // first then to use the page, and a CPU that wants it back at once does not keep it from ever getting anywhere.
        this.accelerator = Accelerator.builder(manager, Policies.byName(Policies.DEFAULT_PLACEMENT))
                .name(ComputeDevice.NAME)
                .store(new RamStore(ComputeDevice.NAME, device.bytes(), memory))
                .host(host)
                .units(count, this::startUnit)
                .clock(System::nanoTime)
                .build();
    }

    private void startUnit(Runnable body) {
        Thread unit = Thread.ofPlatform()
                .daemon()
                .name("unit-" + label + '-' + unitNumbers.getAndIncrement())
                .unstarted(() -> {
                    try {
                        body.run();
                    } finally {
                        units.remove(Thread.currentThread());
                    }
                });
        units.add(unit);
        try {
            unit.start();
        } catch (OutOfMemoryError e) {
            units.remove(unit);
            throw new RejectedExecutionException("there can be no more threads", e);
        }
    }

    Accelerator accelerator() {
        return accelerator;
    }

    // ---- launches ----------------------------------------------------------------------------------------------

    /**
     * Starts a kernel, and returns at once; its end is answered by another thread.
     *
     * @param request valid during the call
     * @param regions the client's memory
     * @throws RefusedException if it cannot start
     */
    void launch(Launch request, List<Region> regions) {
        if (!request.device().isEmpty() && !request.device().equals(ComputeDevice.NAME)) {
            throw new RefusedException(
                    ErrorCode.NO_DEVICE,
                    "there is no device '" + request.device() + "' that computes; there is '" + ComputeDevice.NAME
                            + "'");
        }
        Kernel kernel = kernels.make(request.className(), arguments(request, regions));
        String name = request.className();
        long correlation = request.correlation();
        begin();
        boolean started = false;
        try {
            launches.increment();
            org.heteromem.devices.accelerator.Launch launch = accelerator.launch(space, kernel);
            started = true;
            launch.whenDone().whenReady(() -> ended(name, launch, correlation));
        } finally {
            if (!started) {
                end();
            }
        }
    }

    private static List<Object> arguments(Launch request, List<Region> regions) {
        List<Object> all = new ArrayList<>();
        for (int i = 0; i < request.count(); i++) {
            all.add(
                    switch (request.kind(i)) {
                        case LONG -> request.longValue(i);
                        case DOUBLE -> request.doubleValue(i);
                        case MEMORY -> memory(request.address(i), request.memoryBytes(i), regions);
                    });
        }
        return all;
    }

    private static MemoryRange memory(long address, long bytes, List<Region> regions) {
        for (Region region : regions) {
            if (region.contains(address) && bytes <= region.address + region.bytes - address) {
                return new MemoryRange(address, bytes);
            }
        }
        throw new RefusedException(
                ErrorCode.BAD_RANGE,
                bytes + " bytes at 0x" + Long.toHexString(address) + " are not inside a region of the client");
    }

    private void begin() {
        gate.lock();
        try {
            if (stopped) {
                throw new RefusedException(ErrorCode.ENDING, "the client is leaving");
            }
            if (running == MAX_LAUNCHES) {
                throw new RefusedException(
                        ErrorCode.LIMIT, MAX_LAUNCHES + " kernels are running already, and that is the most");
            }
            running++;
        } finally {
            gate.unlock();
        }
    }

    private void end() {
        gate.lock();
        try {
            running--;
        } finally {
            gate.unlock();
        }
    }

    private void ended(String name, org.heteromem.devices.accelerator.Launch launch, long correlation) {
        end();
        var failed = launch.failures();
        if (failed.isEmpty()) {
            answers.done(correlation);
            return;
        }
        failures.increment();
        var first = failed.getFirst();
        answers.failed(
                correlation,
                ErrorCode.KERNEL_FAILED,
                "kernel " + name + " threw on " + failed.size() + " of " + accelerator.units() + " units; unit "
                        + first.unit() + ": " + Kernels.said(name, first.cause()));
    }

    /** How many kernels are under way. */
    int running() {
        gate.lock();
        try {
            return running;
        } finally {
            gate.unlock();
        }
    }

    // ---- the end -----------------------------------------------------------------------------------------------

    /** Lets no kernel start any more, and interrupts those that run. They fail when the client's memory is unmapped. */
    void stop() {
        gate.lock();
        try {
            stopped = true;
        } finally {
            gate.unlock();
        }
        units.forEach(Thread::interrupt);
    }

    /** Waits for kernels to end, after all of the client's memory was unmapped: until then they may move pages to any device. */
    void awaitUnits() {
        quiet = true;
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(END_SECONDS);
        for (Thread unit : units) {
            Uninterrupted.finish(() -> {
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                quiet &= unit.join(Duration.ofMillis(Math.max(1, left)));
            });
        }
    }

    /**
     * Takes the device away, after {@link #awaitUnits}.
     *
     * @return false if a kernel did not end: then the device's memory must stay, since nobody knows what the kernel reads
     */
    boolean close() {
        accelerator.close();
        if (quiet) {
            manager.closeStore(accelerator.memory());
        }
        try {
            kernels.close();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot close the files of the kernels", e);
        }
        return quiet;
    }
}
