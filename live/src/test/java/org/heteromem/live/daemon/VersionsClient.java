package org.heteromem.live.daemon;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.natives.Mapping;
import org.heteromem.live.natives.Memfd;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.Poller;
import org.heteromem.live.natives.Uffdio;
import org.heteromem.live.natives.UnixSocket;
import org.heteromem.live.natives.Userfault;
import org.heteromem.live.wire.Connection;
import org.heteromem.live.wire.Done;
import org.heteromem.live.wire.Failure;
import org.heteromem.live.wire.Hello;
import org.heteromem.live.wire.Message;
import org.heteromem.live.wire.MessageType;
import org.heteromem.live.wire.RangeRequest;
import org.heteromem.live.wire.RegisterRegion;
import org.heteromem.live.wire.Welcome;
import org.jspecify.annotations.Nullable;

/**
 * A client in the raw: threads that write versions into pages of a region larger than their RAM and check every value that
 * they read, while the garbage collector runs all the time. Each thread owns the pages of one remainder, so the right value
 * is known at every moment. Now and then one drops a page from its own page table, as a system short of memory does, and
 * the daemon must map it again. Goes on until its input ends. Arguments: socket, region pages, RAM pages, threads, seed.
 */
final class VersionsClient {
    private static final int PAGE = 4096;

    private VersionsClient() {}

    public static void main(String[] arguments) throws InterruptedException {
        Path socket = Path.of(arguments[0]);
        int pages = Integer.parseInt(arguments[1]);
        long ram = Long.parseLong(arguments[2]) * PAGE;
        int threads = Integer.parseInt(arguments[3]);
        long seed = Long.parseLong(arguments[4]);
        long bytes = (long) pages * PAGE;
        MemorySegment buffer = Connection.newBuffer(Arena.ofAuto());
        try (Connection connection = open(socket, ram, buffer);
                Memfd memory = Memfd.create("versions", bytes)) {
            memory.addSeals(Memfd.REGION_SEALS);
            Mapping mapping = Mapping.sharedAligned(memory, 0, bytes, 2 << 20);
            mapping.advise(Mapping.Advice.DONTFORK);
            mapping.refuseHugePages();
            Userfault faults = Userfault.open(Uffdio.REQUIRED_FEATURES);
            faults.register(
                    mapping.address(), bytes, Uffdio.REGISTER_MISSING | Uffdio.REGISTER_MINOR | Uffdio.REGISTER_WP);
            need(
                    connection,
                    new RegisterRegion().encode(buffer, 2, 0, mapping.address(), bytes, "r"),
                    memory.fd(),
                    faults.fd());
            RangeRequest allocate = new RangeRequest();
            allocate.begin(buffer, MessageType.ALLOCATE, 3, 0).add(0, bytes);
            need(connection, allocate);
            System.out.println("ready");
            BooleanSupplier goesOn = Jvm.inputGoesOn();
            List<Worker> workers = new ArrayList<>();
            List<Thread> running = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                Worker worker = new Worker(mapping, pages, t, threads, goesOn, seed + t);
                workers.add(worker);
                running.add(Thread.ofPlatform().start(worker));
            }
            Thread collector = Thread.ofPlatform().daemon().start(() -> {
                try {
                    for (; ; ) {
                        System.gc();
                        Thread.sleep(5);
                    }
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            // Each new daemon says who it is, unasked, until nobody listens.
            Poller poller = new Poller(1);
            poller.add(connection.socket().fd(), Poller.IN);
            while (running.stream().anyMatch(Thread::isAlive)) {
                if (poller.poll(50) > 0) {
                    receive(connection);
                }
            }
            collector.interrupt();
            collector.join();
            long steps = 0;
            for (Worker worker : workers) {
                if (worker.failure != null) {
                    throw new AssertionError(worker.failure);
                }
                steps += worker.steps;
            }
            System.out.println("steps " + steps);
            RangeRequest free = new RangeRequest();
            free.begin(buffer, MessageType.FREE, 4, 0).add(0, bytes);
            need(connection, free);
            for (int p = 0; p < pages; p += 7) {
                if (mapping.segment().get(ValueLayout.JAVA_LONG, (long) p * PAGE + 8) != 0) {
                    throw new AssertionError("page " + p + " was freed and is not zero");
                }
            }
        }
        System.out.println("right");
    }

    /** Until memory is registered, a daemon that dies takes the connection with it, and nothing else. */
    private static Connection open(Path socket, long ram, MemorySegment buffer) throws InterruptedException {
        for (int tries = 0; ; tries++) {
            try {
                Connection connection = new Connection(UnixSocket.connect(socket));
                connection.send(new Hello().encode(buffer, 1, Hello.Role.CLIENT, ram, PAGE, "versions"));
                if (connection.receive().isPresent()) {
                    return connection;
                }
                connection.close();
            } catch (NativeException e) {
                if (tries > 1000) {
                    throw e;
                }
            }
            Thread.sleep(20);
        }
    }

    /** Asks, and asks again if a daemon takes over that may not have the question. */
    private static Message ask(Connection connection, Message question, Fd... descriptors) {
        // The buffer of the question is not that of the answer.
        for (; ; ) {
            connection.send(question, descriptors);
            Message answer = receive(connection);
            if (!(answer instanceof Welcome) || answer.correlation() == question.correlation()) {
                // A question that was asked twice may be answered twice.
                if (answer.correlation() == question.correlation()) {
                    return answer;
                }
            }
        }
    }

    private static Message receive(Connection connection) {
        return connection
                .receive()
                .orElseThrow(() -> new AssertionError("the daemon closed the connection"))
                .message();
    }

    private static void need(Connection connection, Message question, Fd... descriptors) {
        Message answer = ask(connection, question, descriptors);
        if (!(answer instanceof Done)) {
            throw new AssertionError("answer " + (answer instanceof Failure f ? f.detail() : answer.type()));
        }
    }

    private static final class Worker implements Runnable {
        private final Mapping mapping;
        private final MemorySegment memory;
        private final int pages;
        private final int mine;
        private final int threads;
        private final BooleanSupplier goesOn;
        private final SplittableRandom random;
        private final int[] versions;
        private long steps;
        private @Nullable String failure;

        Worker(Mapping mapping, int pages, int mine, int threads, BooleanSupplier goesOn, long seed) {
            this.mapping = mapping;
            this.memory = mapping.segment();
            this.pages = pages;
            this.mine = mine;
            this.threads = threads;
            this.goesOn = goesOn;
            this.random = new SplittableRandom(seed);
            this.versions = new int[pages / threads + 1];
        }

        @Override
        public void run() {
            while (goesOn.getAsBoolean() && failure == null) {
                int from = random.nextInt(pages / threads);
                int run = random.nextInt(8) == 0 ? random.nextInt(200) : 1;
                for (int i = from; i < Math.min(pages / threads, from + run) && failure == null; i++) {
                    step(i);
                }
            }
            for (int i = 0; i < pages / threads && failure == null; i++) {
                check(i);
            }
        }

        private void step(int i) {
            steps++;
            check(i);
            if (random.nextBoolean()) {
                int version = ++versions[i];
                long base = (long) (i * threads + mine) * PAGE;
                // All over the page, and with contents that do not compress where the version is odd.
                for (int at = 0; at < PAGE; at += 8) {
                    memory.set(ValueLayout.JAVA_LONG, base + at, value(i, version, at));
                }
            }
            if (random.nextInt(64) == 0) {
                mapping.advise((long) (i * threads + mine) * PAGE, PAGE, Mapping.Advice.DONTNEED);
            }
        }

        private long value(int i, int version, int at) {
            if (version == 0) {
                return 0;
            }
            long mixed = ((long) (i * threads + mine) << 32 | version) * 0x9E3779B97F4A7C15L;
            return (version & 1) == 0 ? mixed : mixed * (at + 1L) ^ mixed >>> 17;
        }

        private void check(int i) {
            long base = (long) (i * threads + mine) * PAGE;
            int at = random.nextInt(PAGE / 8) * 8;
            long found = memory.get(ValueLayout.JAVA_LONG, base + at);
            long right = value(i, versions[i], at);
            if (found != right) {
                failure = "page " + (i * threads + mine) + " offset " + at + " has " + found + ", version "
                        + versions[i] + " is " + right;
            }
        }
    }
}
