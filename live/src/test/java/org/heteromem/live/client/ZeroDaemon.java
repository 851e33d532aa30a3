package org.heteromem.live.client;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.natives.Memfd;
import org.heteromem.live.natives.Poller;
import org.heteromem.live.natives.UnixSocket;
import org.heteromem.live.natives.Userfault;
import org.heteromem.live.natives.UserfaultEvents;
import org.heteromem.live.wire.Connection;
import org.heteromem.live.wire.Counters;
import org.heteromem.live.wire.Done;
import org.heteromem.live.wire.ErrorCode;
import org.heteromem.live.wire.Failure;
import org.heteromem.live.wire.Following;
import org.heteromem.live.wire.Hello;
import org.heteromem.live.wire.Message;
import org.heteromem.live.wire.MessageType;
import org.heteromem.live.wire.Query;
import org.heteromem.live.wire.RangeRequest;
import org.heteromem.live.wire.RegisterRegion;
import org.heteromem.live.wire.UnregisterRegion;
import org.heteromem.live.wire.Welcome;

/**
 * The least that a client can live with, in a process of its own: real faults on real regions, answered with zeros; a limit
 * on what is allocated; what is to be evicted is made idle and stays. It checks what the client must keep to, and counts what it asks for.
 */
public final class ZeroDaemon {
    static final int MAX_REGIONS = 8;
    static final long MAX_REGION_BYTES = 1L << 32;
    private static final int PAGE = 4096;

    private static final class Held {
        final Memfd memory;
        final Userfault faults;
        final long address;

        Held(Memfd memory, Userfault faults, long address) {
            this.memory = memory;
            this.faults = faults;
            this.address = address;
        }
    }

    private final Connection connection;
    private final long limitBytes;
    private final Map<Integer, Held> regions = new HashMap<>();
    private final MemorySegment buffer = Connection.newBuffer(Arena.global());
    private final UserfaultEvents events = new UserfaultEvents(16);
    private long committed;
    private long pinned;
    private long minorFaults;

    private ZeroDaemon(Connection connection, long limitBytes) {
        this.connection = connection;
        this.limitBytes = limitBytes;
    }

    /**
     * Serves one client until it disconnects.
     *
     * @param args socket, bytes that may be allocated
     */
    public static void main(String[] args) throws IOException {
        Path bound = Path.of(args[0] + ".new");
        try (UnixSocket listening = UnixSocket.listen(bound, 1)) {
            Files.move(bound, Path.of(args[0])); // who sees it can connect
            try (Connection connection = new Connection(listening.accept())) {
                new ZeroDaemon(connection, Long.parseLong(args[1])).serve();
            }
        }
    }

    private void serve() {
        Poller poller = new Poller(1 + MAX_REGIONS);
        while (true) {
            poller.clear();
            poller.add(connection.socket().fd(), Poller.IN);
            Held[] polled = regions.values().toArray(Held[]::new);
            for (Held held : polled) {
                poller.add(held.faults.fd(), Poller.IN);
            }
            poller.poll(-1);
            for (int i = 0; i < polled.length; i++) {
                if (poller.ready(i + 1) != 0) {
                    answerFaults(polled[i]);
                }
            }
            if (poller.ready(0) != 0) {
                var incoming = connection.receive();
                if (incoming.isEmpty()) {
                    return;
                }
                answer(incoming.get());
            }
        }
    }

    private void answerFaults(Held held) {
        int count = held.faults.read(events);
        for (int i = 0; i < count; i++) {
            long page = events.address(i) & -PAGE;
            if (events.isMinor(i)) {
                minorFaults++;
                held.faults.tryContinue(page, PAGE, 0);
            } else if (held.faults.tryZero(page, PAGE, 0) == -Errno.EEXIST) {
                held.faults.wake(page, PAGE);
            }
        }
    }

    private void answer(Connection.Incoming incoming) {
        Message message = incoming.message();
        long correlation = message.correlation();
        switch (message) {
            case Hello _ ->
                connection.send(new Welcome()
                        .encode(
                                buffer,
                                correlation,
                                (int) ProcessHandle.current().pid(),
                                PAGE,
                                1,
                                limitBytes,
                                MAX_REGION_BYTES,
                                MAX_REGIONS));
            case RegisterRegion region -> {
                Fd memory = incoming.descriptors().get(0);
                Fd faults = incoming.descriptors().get(1);
                regions.put(
                        region.region(),
                        new Held(
                                Memfd.adoptRegion(memory, "region", PAGE),
                                Userfault.adopt(faults, "client"),
                                region.address()));
                done(correlation, 0);
            }
            case UnregisterRegion end -> {
                Held held = Objects.requireNonNull(regions.remove(end.region()));
                held.faults.close();
                held.memory.close();
                done(correlation, 0);
            }
            case RangeRequest request -> ranges(request, correlation);
            case Query _ -> {
                Counters counters = new Counters()
                        .begin(
                                buffer,
                                correlation,
                                (int) ProcessHandle.current().pid(),
                                Following.LAST,
                                "zero daemon");
                counters.add("committed_bytes", committed);
                counters.add("pinned_bytes", pinned);
                counters.add("minor_faults", minorFaults);
                connection.send(counters.add("regions", regions.size()));
            }
            default -> refuse(correlation, ErrorCode.NOT_ALLOWED, "no " + message.type() + " here");
        }
    }

    private void ranges(RangeRequest request, long correlation) {
        Held held = Objects.requireNonNull(regions.get(request.region()));
        long bytes = 0;
        for (int i = 0; i < request.count(); i++) {
            bytes += request.rangeBytes(i);
        }
        switch (request.type()) {
            case ALLOCATE -> {
                if (committed + bytes > limitBytes) {
                    refuse(correlation, ErrorCode.LIMIT, "of " + limitBytes + " bytes " + committed + " are in use");
                    return;
                }
                committed += bytes;
            }
            case FREE -> {
                committed -= bytes;
                for (int i = 0; i < request.count(); i++) {
                    held.memory.punchHole(request.offset(i), request.rangeBytes(i));
                }
            }
            case PIN -> {
                pinned += bytes;
                fill(held, request);
            }
            case UNPIN -> pinned -= bytes;
            case PREFETCH -> fill(held, request);
            case RESIDENCY -> {
                long ram = 0;
                for (int i = 0; i < request.count(); i++) {
                    for (long at = request.offset(i); at < request.offset(i) + request.rangeBytes(i); at += PAGE) {
                        ram += held.memory.nextData(at) == at ? 1 : 0;
                    }
                }
                Counters counters = new Counters().begin(buffer, correlation, 0, Following.LAST, "residency");
                connection.send(counters.add("ram", ram).add("absent", bytes / PAGE - ram));
                return;
            }
            case EVICT -> makeIdle(request);
            default -> {
                // ADVISE is heard
            }
        }
        boolean evict = request.type() == MessageType.EVICT;
        connection.send(new Done().encode(buffer, correlation, evict ? 0 : bytes / PAGE, evict ? bytes / PAGE : 0));
    }

    /** Evicted pages find nowhere to go, but where they are used next is seen; and where there is nothing, nothing happens. */
    private void makeIdle(RangeRequest request) {
        RangeRequest idle = new RangeRequest();
        connection.send(idle.begin(buffer, MessageType.IDLE, 0, 77).add(0, PAGE));
        connection.send(
                idle.begin(buffer, MessageType.IDLE, 0, request.region()).add(1L << 46, PAGE));
        idle.begin(buffer, MessageType.IDLE, 0, request.region());
        for (int i = 0; i < request.count(); i++) {
            idle.add(request.offset(i), request.rangeBytes(i));
        }
        connection.send(idle);
    }

    private static void fill(Held held, RangeRequest request) {
        for (int i = 0; i < request.count(); i++) {
            for (long at = request.offset(i); at < request.offset(i) + request.rangeBytes(i); at += PAGE) {
                held.faults.tryZero(held.address + at, PAGE, 0);
            }
        }
    }

    private void done(long correlation, long value) {
        connection.send(new Done().encode(buffer, correlation, value, 0));
    }

    private void refuse(long correlation, ErrorCode code, String detail) {
        connection.send(new Failure().encode(buffer, correlation, code, detail));
    }
}
