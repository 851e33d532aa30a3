package org.heteromem.live.daemon;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Advice;
import org.heteromem.core.MemoryException;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.fault.FaultResult;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.core.inspect.PageView;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.memory.HomedMemory;
import org.heteromem.core.memory.MemoryNode;
import org.heteromem.core.memory.WorkingSetFigures;
import org.heteromem.core.pin.PageReferences;
import org.heteromem.core.pin.Pins;
import org.heteromem.devices.accelerator.HostMemory;
import org.heteromem.devices.storage.StorageDevice;
import org.heteromem.live.keeper.Custody;
import org.heteromem.live.keeper.Item;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.natives.Memfd;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.PidFd;
import org.heteromem.live.natives.Poller;
import org.heteromem.live.natives.Userfault;
import org.heteromem.live.wire.Connection;
import org.heteromem.live.wire.Counters;
import org.heteromem.live.wire.Done;
import org.heteromem.live.wire.ErrorCode;
import org.heteromem.live.wire.Failure;
import org.heteromem.live.wire.Following;
import org.heteromem.live.wire.Hello;
import org.heteromem.live.wire.Launch;
import org.heteromem.live.wire.MalformedMessageException;
import org.heteromem.live.wire.Message;
import org.heteromem.live.wire.MessageType;
import org.heteromem.live.wire.Query;
import org.heteromem.live.wire.RangeRequest;
import org.heteromem.live.wire.RegisterRegion;
import org.heteromem.live.wire.UnregisterRegion;
import org.heteromem.live.wire.Welcome;
import org.heteromem.live.wire.Wire;
import org.heteromem.policy.Policies;
import org.jspecify.annotations.Nullable;

/**
 * One client: its address space, its devices, and the three threads that serve it.
 *
 * <pre>
 *   control   reads requests from the connection and answers them, one after the other
 *   pump      serves page faults, and nothing else
 *   evictor   keeps RAM free
 * </pre>
 *
 * The connection ends when the client does, and then everything it had is freed. A client that breaks the protocol loses
 * its connection and with it its memory; nobody else notices.
 */
final class ClientSession implements Runnable, FaultPump.Host, LiveMmu.Troubles {
    /** Most regions of a client. */
    static final int MAX_REGIONS = 1024;
    /** Longest region: a bit set of its pages must stay small. */
    static final long MAX_REGION_BYTES = 1L << 42;
    /** How much address space a client may have for each byte that it may fill, and how much in any case. */
    private static final int SPACE_FACTOR = 2;

    private static final long FREE_SPACE_BYTES = 1L << 30;

    /** What was asked to be pinned. */
    private record PinnedRange(long address, long bytes) {}

    /** One pin of a range, and under which key a successor finds it. */
    private record HeldPin(String key, PageReferences references) {}

    /** A client that gives reason for more lines than this has had its say. */
    private static final int MAX_LOG_LINES = 100;

    /** A client that was taken over and has not read so many greetings by then will not read this one either. */
    private static final long WELCOME_SECONDS = 60;

    private static final long WELCOME_PAUSE_NANOS = 10_000_000;

    private static final int INSPECTED_PAGES = 1 << 16;
    private static final String REGION_MEMORY = "client ";

    private final Daemon daemon;
    private final long number;
    private final Connection connection;
    private final PidFd process;
    private final int pid;
    private final Log log;
    private final MemorySegment buffer = Connection.newBuffer(Arena.ofAuto());
    private final LiveMmu mmu;
    private final MemoryManager manager;
    private final AddressSpace space;
    private final Map<Integer, Region> regions = new ConcurrentHashMap<>();
    /** What holds pages in RAM, by the range that was asked for: the same one any number of times. */
    private final Map<PinnedRange, ArrayDeque<HeldPin>> pins = new HashMap<>();

    private final CopyOnWriteArrayList<Region> order = new CopyOnWriteArrayList<>();
    private final List<StorageDevice> devices = new CopyOnWriteArrayList<>();
    private final OverflowFiles overflowFiles;
    /** The device that computes, if the daemon was given one. */
    private volatile @Nullable Computing computing;

    private final FaultPump pump;
    private final DurableMemory memory;
    private volatile String name = "";
    private FrameBudget budget = new FrameBudget(1, 0);
    private final CountDownLatch over = new CountDownLatch(1);
    private final List<Thread> threads = new ArrayList<>();
    private volatile Evictor evictor;
    private long allocatedPages;
    private long limitPages;
    private volatile boolean welcomed;
    private boolean entrusted;
    private boolean observing;
    /** Whether there was a predecessor, which may have done what the client asks again. */
    private boolean tookOver;

    private volatile boolean ended;

    /** A client that has just connected. */
    ClientSession(Daemon daemon, long number, Connection connection, PidFd process, int pid, Log log) {
        this.daemon = daemon;
        this.number = number;
        this.connection = connection;
        this.process = process;
        this.pid = pid;
        this.log = log.limited(MAX_LOG_LINES);
        this.overflowFiles = new OverflowFiles(daemon.options().owner() == 0 ? number : 0, this.log);
        this.manager = daemon.manager();
        this.mmu = new LiveMmu(this, daemon.points());
        this.space = manager.createAddressSpace(mmu);
        this.pump = new FaultPump(space, mmu, this);
        this.memory = new DurableMemory("heteromem-" + number + '-');
        this.evictor = new Evictor(manager, space, budget, order, devices);
    }

    long number() {
        return number;
    }

    int pid() {
        return pid;
    }

    // ---- the connection ----------------------------------------------------------------------------------------

    @Override
    public void run() {
        try {
            for (; ; ) {
                Optional<Connection.Incoming> incoming = connection.receive();
                if (incoming.isEmpty()) {
                    break;
                }
                serve(incoming.get());
                if (observing) {
                    new ObserverSession(daemon, connection, log).run();
                    break;
                }
            }
        } catch (MalformedMessageException e) {
            log.line(this + " broke the protocol: " + e.getMessage());
            answerLast(ErrorCode.MALFORMED, String.valueOf(e.getMessage()));
        } catch (NativeException e) {
            if (!ended) {
                log.line(this + ": connection lost: " + e.getMessage());
            }
        } catch (RuntimeException | Error e) {
            log.defect(this + ": the daemon failed", e);
            answerLast(ErrorCode.INTERNAL, e.toString());
        } finally {
            end();
        }
    }

    private void answerLast(ErrorCode code, String detail) {
        try {
            connection.trySend(new Failure().encode(buffer, 0, code, detail));
        } catch (NativeException e) {
            log.line(this + " could not be told: " + e.getMessage());
        }
    }

    private void serve(Connection.Incoming incoming) {
        Message message = incoming.message();
        long correlation = message.correlation();
        int addressee = Wire.addressee(correlation);
        if (addressee != 0 && addressee != daemon.pid()) {
            // Meant for a predecessor; the client asks again.
            incoming.descriptors().forEach(Fd::close);
            return;
        }
        boolean taken = false;
        try {
            if (!welcomed && message.type() != MessageType.HELLO) {
                throw new MalformedMessageException(message.type() + " before HELLO");
            }
            switch (message) {
                case Hello hello -> welcome(hello);
                case RegisterRegion request -> {
                    taken = true;
                    register(request, incoming.descriptors());
                    done(correlation, 0, 0);
                }
                case UnregisterRegion request -> {
                    if (!tookOver || regions.containsKey(request.region())) {
                        unregister(needRegion(request.region()));
                    }
                    done(correlation, 0, 0);
                }
                case RangeRequest request -> serve(request);
                case Launch request -> launch(request);
                case Query query -> new ObserverSession(daemon, connection, log).answer(query);
                default ->
                    throw new RefusedException(
                            ErrorCode.NOT_ALLOWED, message.type() + " is not for a client that has memory");
            }
        } catch (RefusedException e) {
            refuse(correlation, e.code(), String.valueOf(e.getMessage()));
        } catch (MemoryException e) {
            refuse(correlation, ErrorCode.NO_SPACE, String.valueOf(e.getMessage()));
        } finally {
            if (!taken) {
                incoming.descriptors().forEach(Fd::close);
            }
        }
    }

    private void send(Message message) {
        // A client that does not read its answers must not hold anything up, and can do nothing without them.
        if (!connection.trySend(message)) {
            throw new MalformedMessageException("the client does not read its answers");
        }
    }

    private void done(long correlation, long value, long skipped) {
        if (correlation != 0) {
            send(new Done().encode(buffer, correlation, value, skipped));
        }
    }

    private void refuse(long correlation, ErrorCode code, String detail) {
        if (correlation == 0) {
            log.line(this + " asked for something without waiting for the answer, which is no: " + detail);
        } else {
            send(new Failure().encode(buffer, correlation, code, detail));
        }
    }

    private void welcome(Hello hello) {
        if (welcomed) {
            throw new MalformedMessageException("a second HELLO");
        }
        if (!hello.speaks(Wire.VERSION)) {
            throw new RefusedException(
                    ErrorCode.VERSION, "this daemon speaks version " + Wire.VERSION + " of the protocol only");
        }
        if (hello.role() == Hello.Role.OBSERVER) {
            observing = true;
            send(new Welcome()
                    .encode(
                            buffer,
                            hello.correlation(),
                            daemon.pid(),
                            Page.SIZE,
                            number,
                            daemon.options().ramBytes(),
                            MAX_REGION_BYTES,
                            MAX_REGIONS));
            return;
        }
        if (hello.pageBytes() != Page.SIZE) {
            throw new RefusedException(
                    ErrorCode.NOT_ALLOWED,
                    "pages of " + hello.pageBytes() + " bytes are not supported, only of " + Page.SIZE);
        }
        name = hello.name();
        long ram = daemon.grant(this, hello.ramBytes());
        try {
            settle(ram);
        } catch (RefusedException e) {
            daemon.takeBack(this);
            throw e;
        }
        serveFaults();
        send(welcome(hello.correlation()));
        log.line(this + " has " + ram + " bytes of RAM" + (devices.isEmpty() ? "" : " and " + devices));
    }

    private Welcome welcome(long correlation) {
        return new Welcome()
                .encode(
                        buffer,
                        correlation,
                        daemon.pid(),
                        Page.SIZE * 16,
                        number,
                        Page.address(budget.limit()),
                        MAX_REGION_BYTES,
                        MAX_REGIONS);
    }

    /** Gives the client its budget and its devices. */
    private void settle(long ram) {
        budget = new FrameBudget(
                Page.of(ram),
                Evictor.reserve(Page.of(ram)),
                Policies.victims(daemon.options().victims()));
        devices.addAll(daemon.devicesFor(this, memory));
        computing = daemon.computingFor(this, space, memory, new Ram(), new KernelAnswers());
        mmu.setDevices(holders().stream().map(PageHolder::memory).toList());
        // What is promised can be held whatever the pages contain, and one can still come home when all is full.
        limitPages = budget.limit() - 2 * budget.reserve();
        for (StorageDevice device : devices) {
            limitPages += Page.of(device.store().guaranteedBytes());
        }
        evictor = new Evictor(manager, space, budget, order, devices);
        welcomed = true;
    }

    /** All devices, in the order in which the ledger numbers them. */
    private List<PageHolder> holders() {
        List<PageHolder> all = new ArrayList<>();
        devices.forEach(device -> all.add(PageHolder.of(device)));
        Computing computes = computing;
        if (computes != null) {
            all.add(PageHolder.of(computes.accelerator()));
        }
        return all;
    }

    private void serveFaults() {
        threads.add(Thread.ofPlatform().name("evictor-" + number).start(evictor));
        threads.add(Thread.ofPlatform().name("pump-" + number).start(pump));
    }

    // ---- what outlives the daemon ------------------------------------------------------------------------------

    private String key() {
        return "client/" + number;
    }

    /** Before the first page of the client can be anywhere but in its own RAM, its things are with the keeper. */
    private void entrust() {
        Custody custody = daemon.custody();
        if (custody == null || entrusted) {
            return;
        }
        custody.hold(
                key(),
                pid + "\n" + Page.address(budget.limit()) + "\n" + name,
                connection.socket().fd(),
                process.fd());
        memory.entrust((piece, file) -> custody.hold(key() + "/memory/" + piece, "", file.fd()));
        entrusted = true;
    }

    private void entrust(Region region) {
        Custody custody = daemon.custody();
        if (custody != null) {
            custody.hold(
                    key() + "/region/" + region.id,
                    region.address + "\n" + region.bytes + "\n" + region.name,
                    region.memory.fd(),
                    region.faults.fd(),
                    region.ledger.memory().fd());
        }
    }

    private void release(String what) {
        Custody custody = daemon.custody();
        if (custody != null && entrusted) {
            custody.drop(what);
        }
    }

    /**
     * Takes over a client of a predecessor: its devices, its regions, where each page is, and its threads that wait.
     *
     * @param ram its budget
     * @param clientName its name
     * @param items what is in custody for it
     */
    void takeOver(long ram, String clientName, List<Item> items) {
        name = clientName;
        entrusted = true;
        tookOver = true;
        for (Item item : items) {
            String prefix = key() + "/memory/";
            if (item.key().startsWith(prefix)) {
                memory.inherit(
                        item.key().substring(prefix.length()),
                        Memfd.adopt(item.descriptors().get(0), item.key()));
            }
        }
        Custody custody = daemon.custody();
        if (custody != null) {
            memory.entrust((piece, file) -> custody.hold(key() + "/memory/" + piece, "", file.fd()));
        }
        settle(ram);
        for (Item item : items) {
            String prefix = key() + "/region/";
            if (item.key().startsWith(prefix)) {
                String[] told = item.payload().split("\n", 3);
                long address = Long.parseLong(told[0]);
                long bytes = Long.parseLong(told[1]);
                int id = Integer.parseInt(item.key().substring(prefix.length()));
                List<Fd> fds = item.descriptors();
                Region region = map(
                        id,
                        told[2],
                        address,
                        bytes,
                        Memfd.adopt(fds.get(0), item.key()),
                        Userfault.adopt(fds.get(1), item.key()),
                        Ledger.open(Memfd.adopt(fds.get(2), item.key()), Page.of(bytes)));
                allocatedPages += region.allocated.size();
            }
        }
        Takeover takeover = new Takeover(space, mmu, budget, List.copyOf(order), holders());
        takeover.run();
        log.line(this + " is taken over: " + takeover);
        for (Item item : items) {
            if (item.key().startsWith(key() + "/pin/")) {
                String[] told = item.payload().split("\n", 2);
                pin(new PinnedRange(Long.parseLong(told[0]), Long.parseLong(told[1])), item.key());
            }
        }
        serveFaults();
        // Whoever waits for an answer of the predecessor learns that he has to ask again. Before that he may have to
        // read what many of them have told him.
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(WELCOME_SECONDS);
        while (!connection.trySend(welcome(0))) {
            if (System.nanoTime() - deadline > 0 || hasLeft()) {
                throw new MalformedMessageException("the client does not read its answers");
            }
            LockSupport.parkNanos(WELCOME_PAUSE_NANOS);
        }
    }

    // ---- regions -----------------------------------------------------------------------------------------------

    private Region needRegion(int id) {
        Region region = regions.get(id);
        if (region == null) {
            throw new RefusedException(ErrorCode.UNKNOWN_REGION, "there is no region " + id);
        }
        return region;
    }

    /** A region costs descriptors, and tables for its pages whether or not they are used. */
    private void requireRoom(long bytes) {
        long mapped = order.stream().mapToLong(region -> region.bytes).sum();
        long most = Page.address(limitPages) * SPACE_FACTOR + FREE_SPACE_BYTES;
        if (regions.size() >= MAX_REGIONS || bytes > MAX_REGION_BYTES || mapped + bytes > most) {
            throw new RefusedException(
                    ErrorCode.LIMIT,
                    "a region of " + bytes + " bytes beside " + regions.size() + " others of " + mapped
                            + " bytes: the limits are " + MAX_REGIONS + " regions of " + MAX_REGION_BYTES
                            + " bytes, and " + most + " bytes for all, as there are " + Page.address(limitPages)
                            + " of RAM and overflow; give the daemon a larger overflow");
        }
        if (!daemon.mayRegister(regions.size())) {
            throw new RefusedException(
                    ErrorCode.LIMIT,
                    "the daemon has no descriptors left for another region beside " + regions.size()
                            + "; raise its limit of open files (ulimit -n)");
        }
    }

    /** Whether it is connected and has not greeted yet. */
    boolean isStranger() {
        return !welcomed && !ended;
    }

    /** What its devices keep in memory. */
    DurableMemory memory() {
        return memory;
    }

    /** Where its devices keep pages on disks. */
    OverflowFiles overflowFiles() {
        return overflowFiles;
    }

    int regionCount() {
        return regions.size();
    }

    private void register(RegisterRegion request, List<Fd> descriptors) {
        Fd memfd = descriptors.get(0);
        Fd userfault = descriptors.get(1);
        boolean kept = false;
        try {
            int id = request.region();
            long address = request.address();
            long bytes = request.bytesMapped();
            Region same = regions.get(id);
            if (same != null && same.address == address && same.bytes == bytes) {
                // Asked again after a predecessor died with the answer.
                return;
            }
            if (same != null) {
                throw new RefusedException(ErrorCode.NOT_ALLOWED, "there is a region " + id + " already");
            }
            requireRoom(bytes);
            for (Region other : order) {
                if (other.meets(address, bytes)) {
                    throw new RefusedException(ErrorCode.BAD_RANGE, "the region would overlap " + other);
                }
            }
            String what = "region " + id + " of client " + number;
            Memfd file;
            try {
                file = Memfd.adoptRegion(memfd, what, Page.SIZE);
            } catch (IllegalArgumentException e) {
                throw new RefusedException(ErrorCode.NOT_ALLOWED, String.valueOf(e.getMessage()));
            }
            if (file.status().sizeBytes() < bytes) {
                throw new RefusedException(
                        ErrorCode.BAD_RANGE,
                        what + ": its memfd has " + file.status().sizeBytes() + " bytes, " + bytes + " were named");
            }
            Userfault faults;
            try {
                faults = Userfault.adopt(userfault, what);
            } catch (IllegalArgumentException e) {
                throw new RefusedException(ErrorCode.NOT_ALLOWED, String.valueOf(e.getMessage()));
            }
            entrust();
            Region region = map(
                    id,
                    request.name(),
                    address,
                    bytes,
                    file,
                    faults,
                    Ledger.create("heteromem-" + number + "-ledger-" + id, Page.of(bytes)));
            kept = true;
            daemon.points().passed(FailPoints.REGISTERED);
            entrust(region);
            daemon.points().passed(FailPoints.REGISTER_HELD);
        } finally {
            if (!kept) {
                memfd.close();
                userfault.close();
            }
        }
    }

    private Region map(
            int id, String regionName, long address, long bytes, Memfd file, Userfault faults, Ledger ledger) {
        Placements placements = new Placements(Page.of(address));
        HomedMemory frames = manager.addHomedMemory(
                REGION_MEMORY + number + " region " + id, new LiveStore(file, bytes, placements), budget);
        Region region = new Region(id, regionName, address, bytes, file, faults, ledger, placements, frames);
        mmu.add(region);
        space.mapHomed(address, frames, Protection.READ_WRITE);
        regions.put(id, region);
        order.add(region);
        pump.add(faults);
        return region;
    }

    private void unregister(Region region) {
        regions.remove(region.id);
        order.remove(region);
        allocatedPages -= region.allocated.size();
        pins.entrySet().removeIf(pinned -> {
            boolean here = region.contains(pinned.getKey().address());
            if (here) {
                pinned.getValue().forEach(this::letGo);
            }
            return here;
        });
        pump.remove(region.faults);
        space.unmap(region.address, region.bytes);
        mmu.remove(region);
        manager.removeHomedMemory(region.frames);
        release(key() + "/region/" + region.id);
        region.close();
    }

    // ---- ranges ------------------------------------------------------------------------------------------------

    private void serve(RangeRequest request) {
        Region region = needRegion(request.region());
        long together = 0;
        for (int i = 0; i < request.count(); i++) {
            together += request.rangeBytes(i);
            if (request.offset(i) > region.bytes - request.rangeBytes(i)) {
                throw new RefusedException(
                        ErrorCode.BAD_RANGE,
                        request.type() + " of " + request.rangeBytes(i) + " bytes at offset " + request.offset(i)
                                + " leaves " + region);
            }
        }
        if (together > region.bytes) {
            // Else one message could keep this thread busy for hours.
            throw new RefusedException(
                    ErrorCode.BAD_RANGE,
                    request.type() + " of ranges that have " + together + " bytes together, more than " + region);
        }
        long correlation = request.correlation();
        switch (request.type()) {
            case ALLOCATE -> allocate(region, request);
            case FREE -> free(region, request);
            case PREFETCH -> prefetch(region, request);
            case EVICT -> evict(region, request);
            case ADVISE -> {
                switch (request.advice()) {
                    case HOT, SEQUENTIAL -> prefetch(region, request);
                    case COLD -> evict(region, request);
                    // Nothing follows from these yet but that they are welcome.
                    case NORMAL, RANDOM, READ_MOSTLY -> done(correlation, 0, 0);
                }
            }
            case PIN -> pin(region, request);
            case UNPIN -> unpin(region, request);
            case RESIDENCY -> residency(region, request);
            default -> throw new MalformedMessageException(request.type() + " is not for the daemon");
        }
    }

    private void allocate(Region region, RangeRequest request) {
        long fresh = 0;
        for (int i = 0; i < request.count(); i++) {
            long pages = Page.of(request.rangeBytes(i));
            fresh += pages - region.allocated.count(Page.of(request.offset(i)), pages);
        }
        if (allocatedPages + fresh > limitPages) {
            throw new RefusedException(
                    ErrorCode.LIMIT,
                    "cannot allocate " + Page.address(fresh) + " bytes: " + Page.address(allocatedPages) + " of "
                            + Page.address(limitPages)
                            + " bytes of RAM and overflow are in use; give the daemon a larger overflow");
        }
        forgetKernels(region, request);
        for (int i = 0; i < request.count(); i++) {
            allocatedPages += region.allocated.add(Page.of(request.offset(i)), Page.of(request.rangeBytes(i)));
        }
        done(request.correlation(), fresh, 0);
    }

    /**
     * A kernel can touch what is not allocated, or not any more: that of no memory that is allocated now, which must read as
     * zeros.
     */
    private void forgetKernels(Region region, RangeRequest request) {
        Computing computes = computing;
        if (computes == null || !(tookOver || computes.launches.sum() > 0)) {
            return;
        }
        for (int i = 0; i < request.count(); i++) {
            long pages = Page.of(request.rangeBytes(i));
            if (region.allocated.count(Page.of(request.offset(i)), pages) == 0) {
                space.advise(region.address + request.offset(i), request.rangeBytes(i), Advice.DONTNEED);
            }
        }
    }

    private void free(Region region, RangeRequest request) {
        long freed = 0;
        for (int i = 0; i < request.count(); i++) {
            space.advise(region.address + request.offset(i), request.rangeBytes(i), Advice.DONTNEED);
            mmu.heal(region, Page.of(request.offset(i)), Page.of(request.rangeBytes(i)));
            freed += region.allocated.remove(Page.of(request.offset(i)), Page.of(request.rangeBytes(i)));
        }
        allocatedPages -= freed;
        daemon.points().passed(FailPoints.FREED);
        done(request.correlation(), freed, 0);
    }

    private void prefetch(Region region, RangeRequest request) {
        long pages = 0;
        for (int i = 0; i < request.count(); i++) {
            for (StorageDevice device : devices) {
                pages += fetch(device, region.address + request.offset(i), request.rangeBytes(i));
            }
            Computing computes = computing;
            if (computes != null) {
                pages += computes.accelerator().evict(space, region.address + request.offset(i), request.rangeBytes(i));
            }
        }
        done(request.correlation(), pages, 0);
    }

    /** Brings a range home in pieces, and makes room for each; what was there before may have to go for it. */
    private long fetch(StorageDevice device, long address, long bytes) {
        long fetched = 0;
        long most = Math.min(bytes, Page.address(budget.limit()) / 2);
        for (long at = address; at < address + most && !ended; ) {
            long piece = Math.min(Page.address(Placements.SLOTS), address + most - at);
            long before = fetched;
            fetched += device.fetch(space, at, piece);
            evictor.noticeUse();
            if (fetched == before && budget.free() == 0 && evictor.reclaimNow() > 0) {
                continue;
            }
            at += piece;
        }
        return fetched;
    }

    private void evict(Region region, RangeRequest request) {
        long pages = 0;
        for (int i = 0; i < request.count(); i++) {
            pages += evictor.evict(region.address + request.offset(i), request.rangeBytes(i));
        }
        done(request.correlation(), pages, 0);
    }

    private void pin(Region region, RangeRequest request) {
        long wanted = 0;
        for (int i = 0; i < request.count(); i++) {
            wanted += Page.of(request.rangeBytes(i));
        }
        long pinned = pins.values().stream()
                .flatMap(ArrayDeque::stream)
                .mapToLong(held -> held.references().pages())
                .sum();
        if (pinned + wanted > budget.limit() / 2) {
            throw new RefusedException(
                    ErrorCode.LIMIT,
                    "cannot pin " + wanted + " pages beside " + pinned + ": at most half of the RAM, "
                            + budget.limit() / 2 + " pages");
        }
        if (tookOver
                && pins.values().stream()
                        .flatMap(ArrayDeque::stream)
                        .anyMatch(held -> held.key().equals(pinKey(request, 0)))) {
            // Done by a predecessor that died with the answer.
            done(request.correlation(), wanted, 0);
            return;
        }
        List<PinnedRange> made = new ArrayList<>();
        try {
            for (int i = 0; i < request.count(); i++) {
                PinnedRange range = pinnedRange(region, request, i);
                pin(range, pinKey(request, i));
                made.add(range);
                Custody custody = daemon.custody();
                if (custody != null) {
                    custody.hold(pinKey(request, i), range.address() + "\n" + range.bytes());
                }
            }
        } catch (RuntimeException e) {
            made.forEach(this::unpin);
            throw e;
        }
        done(request.correlation(), wanted, 0);
    }

    private String pinKey(RangeRequest request, int i) {
        return key() + "/pin/" + Wire.number(request.correlation()) + "." + i;
    }

    private void pin(PinnedRange range, String key) {
        PageReferences references =
                Pins.pinLongTerm(space, range.address(), Math.toIntExact(Page.of(range.bytes())), Access.WRITE);
        pins.computeIfAbsent(range, made -> new ArrayDeque<>()).push(new HeldPin(key, references));
    }

    private void letGo(HeldPin pin) {
        pin.references().close();
        release(pin.key());
    }

    private static PinnedRange pinnedRange(Region region, RangeRequest request, int i) {
        return new PinnedRange(region.address + request.offset(i), request.rangeBytes(i));
    }

    private void unpin(Region region, RangeRequest request) {
        long pages = 0;
        for (int i = 0; i < request.count(); i++) {
            if (!unpin(pinnedRange(region, request, i)) && !tookOver) {
                throw new RefusedException(
                        ErrorCode.BAD_RANGE,
                        request.rangeBytes(i) + " bytes at offset " + request.offset(i) + " of " + region
                                + " were not pinned as such");
            }
            pages += Page.of(request.rangeBytes(i));
        }
        done(request.correlation(), pages, 0);
    }

    /** Ends one pin of a range; false if there is none. */
    private boolean unpin(PinnedRange range) {
        ArrayDeque<HeldPin> held = pins.get(range);
        if (held == null) {
            return false;
        }
        letGo(held.pop());
        if (held.isEmpty()) {
            pins.remove(range);
        }
        return true;
    }

    // ---- kernels -----------------------------------------------------------------------------------------------

    private void launch(Launch request) {
        Computing computes = computing;
        if (computes == null) {
            throw new RefusedException(
                    ErrorCode.NO_DEVICE,
                    "this daemon has no device that computes; start it with --device accelerator:256M, or ask for one by"
                            + " Options.accelerator");
        }
        computes.launch(request, order);
    }

    /** Tells the client of the end of kernels, from their threads. */
    private final class KernelAnswers implements Computing.Answers {
        private final MemorySegment words = Connection.newBuffer(Arena.ofAuto());

        @Override
        public synchronized void done(long correlation) {
            answer(correlation, () -> new Done().encode(words, correlation, 0, 0));
        }

        @Override
        public synchronized void failed(long correlation, ErrorCode code, String detail) {
            log.line(ClientSession.this + ": " + detail);
            answer(correlation, () -> new Failure().encode(words, correlation, code, detail));
        }

        private void answer(long correlation, Supplier<Message> message) {
            if (correlation == 0 || ended) {
                return;
            }
            try {
                if (!connection.trySend(message.get())) {
                    log.line(ClientSession.this + " does not read its answers");
                    connection.shutdown();
                }
            } catch (NativeException e) {
                log.line(ClientSession.this + " could not be told of a kernel's end: " + e.getMessage());
            }
        }
    }

    /** The client's RAM, for the accelerator: out of its reach, within the budget, with overflow behind it. */
    private final class Ram implements HostMemory {
        /** The largest part of RAM that pages on their way from an overflow device to the accelerator may have at once. */
        private static final int FETCHED_PART = 8;

        @Override
        public boolean reachable() {
            return false;
        }

        @Override
        public long availableFrames() {
            return budget.free();
        }

        @Override
        public long freeFrames() {
            return Math.max(0, budget.free() - budget.reserve());
        }

        @Override
        public void makeRoom(long frames) {
            long wanted = Math.min(frames, budget.limit() / 2);
            while (!ended && budget.free() < wanted && evictor.reclaimNow() > 0) {
                // until there is enough, or nothing can go
            }
        }

        @Override
        public void fetch(AddressSpace of, long address, long length) {
            if (Page.of(length) > budget.limit() / FETCHED_PART) {
                // It would push out what is in use; pages come one by one instead.
                return;
            }
            for (StorageDevice device : devices) {
                ClientSession.this.fetch(device, address, length);
            }
        }
    }

    private void residency(Region region, RangeRequest request) {
        Map<String, Long> where = new LinkedHashMap<>();
        where.put("ram", 0L);
        holders().forEach(device -> where.put(device.memory().name(), 0L));
        where.put("absent", 0L);
        for (int i = 0; i < request.count(); i++) {
            count(region.address + request.offset(i), Page.of(request.rangeBytes(i)), where);
        }
        send(counters(request.correlation(), where));
    }

    private void count(long address, long pages, Map<String, Long> where) {
        for (long at = 0; at < pages; at += INSPECTED_PAGES) {
            int part = (int) Math.min(INSPECTED_PAGES, pages - at);
            for (PageView view : Inspector.pages(space, address + Page.address(at), part)) {
                String place = view.kind() == PageKind.PRESENT
                        ? "ram"
                        : view.kind() == PageKind.DEVICE_PRIVATE
                                ? view.memory()
                                : view.kind() == PageKind.LOST
                                        ? "lost"
                                        : view.kind() == PageKind.MIGRATION ? "moving" : "absent";
                where.merge(place, 1L, Long::sum);
            }
        }
    }

    private Counters counters(long correlation, Map<String, Long> values) {
        Counters counters = new Counters().begin(buffer, correlation, pid, Following.LAST, name);
        values.forEach(counters::add);
        return counters;
    }

    /** What the session does and has, for status and top. */
    Map<String, Long> status() {
        Map<String, Long> all = new LinkedHashMap<>();
        all.put("ram.limit", Page.address(budget.limit()));
        all.put("ram.used", Page.address(budget.used()));
        all.put("faults", pump.faults.sum());
        all.put("bytes.in", Page.address(mmu.pagesIn.sum()));
        all.put("bytes.out", Page.address(mmu.pagesOut.sum()));
        all.put("bytes.zeroed", Page.address(mmu.pagesZeroed.sum()));
        all.put("reclaim.direct", evictor.direct.sum());
        WorkingSetFigures pages = budget.workingSet();
        all.put("ram.protected", Page.address(pages.active()));
        all.put("evictions", pages.evictions());
        all.put("refaults", pages.refaults());
        all.put("refaults.protected", pages.activations());
        for (StorageDevice device : devices) {
            var figures = device.statistics();
            all.put("device." + device.name() + ".held", Page.address(figures.pagesStored()));
            all.put("device." + device.name() + ".stored", figures.bytesStored());
            all.put("device." + device.name() + ".copies", Page.address(figures.copies()));
            all.put("device." + device.name() + ".uncopied", Page.address(figures.copiesUsed()));
            all.put("device." + device.name() + ".capacity", figures.capacityBytes());
        }
        Computing computes = computing;
        if (computes != null) {
            var figures = computes.accelerator().statistics();
            long held = computes.accelerator().memory().frames()
                    - computes.accelerator().freeFrames();
            all.put("device.accelerator.held", Page.address(held));
            all.put("device.accelerator.stored", Page.address(held));
            all.put(
                    "device.accelerator.capacity",
                    Page.address(computes.accelerator().memory().frames()));
            all.put("device.accelerator.in", figures.bytesToDevice());
            all.put("device.accelerator.out", figures.bytesToRam());
            all.put("kernels", computes.launches.sum());
            all.put("kernels.running", (long) computes.running());
            all.put("kernels.failed", computes.failures.sum());
        }
        return all;
    }

    /** Whether a memory's name in the core's events is that of a region, which is RAM. */
    static boolean isRegion(String memory) {
        return memory.startsWith(REGION_MEMORY);
    }

    /** Whether it has been greeted as a client that has memory. */
    boolean isClient() {
        return welcomed && !ended;
    }

    /** What every region has where, as Linux's smaps writes it. */
    String smaps() {
        StringBuilder text = new StringBuilder();
        for (Region region : order) {
            Map<String, Long> where = new LinkedHashMap<>();
            where.put("ram", 0L);
            holders().forEach(device -> where.put(device.memory().name(), 0L));
            count(region.address, Page.of(region.bytes), where);
            text.append(String.format(
                    Locale.ROOT,
                    "%x-%x rw-s region %d %s%n%-20s %12d kB%n",
                    region.address,
                    region.address + region.bytes,
                    region.id,
                    region.name,
                    "size:",
                    region.bytes >> 10));
            where.forEach((place, pages) ->
                    text.append(String.format(Locale.ROOT, "%-20s %12d kB%n", place + ':', Page.address(pages) >> 10)));
        }
        return text.toString();
    }

    String name() {
        return name;
    }

    // ---- trouble -----------------------------------------------------------------------------------------------

    @Override
    public boolean makeRoom(FaultResult.NoMemory shortage) {
        evictor.noticeUse();
        return evictor.reclaimNow() > 0 || !evictor.isStuck();
    }

    @Override
    public void served() {
        evictor.noticeUse();
    }

    @Override
    public long framesToSpare() {
        return evictor.framesToSpare();
    }

    @Override
    public void lost(long page, String device, String detail) {
        Region region = mmu.regionOf(page);
        log.line(this + " LOST a page: " + region + ", offset "
                + (region == null ? "?" : Long.toString(Page.address(region.index(page)))) + ", device '" + device
                + "': " + detail);
        if (daemon.options().onLoss() == DaemonOptions.OnLoss.THROW) {
            pump.poison(page);
        } else {
            kill("a page of it is lost");
        }
    }

    @Override
    public void stray(long page, String detail) {
        kill("it touched 0x" + Long.toHexString(Page.address(page)) + ": " + detail);
    }

    @Override
    public void foreign(int event) {
        kill("its userfaultfd tells of event 0x" + Integer.toHexString(event) + ", which is no page fault");
    }

    @Override
    public void broken(Throwable defect) {
        log.defect(this + ": the daemon failed", defect);
        kill("its page faults cannot be served any more");
    }

    @Override
    public void ended(String why) {
        log.line(this + ": " + why);
    }

    @Override
    public void refused(Region region, long page, String call, int errno) {
        if (errno == Errno.ESRCH || ended || hasLeft()) {
            mmu.setGone();
            return;
        }
        log.line(
                this + ": " + call + " on " + region + ", offset " + Page.address(page) + ": " + Errno.describe(errno));
        kill("its memory cannot be served any more");
    }

    /** Whether there is nobody any more who could miss anything: a client hangs up first, and unmaps then. */
    private boolean hasLeft() {
        Poller poller = new Poller(2);
        poller.add(process.fd(), Poller.IN);
        int line = poller.add(connection.socket().fd(), Poller.IN);
        poller.poll(0);
        return poller.ready(0) != 0 || (poller.ready(line) & Poller.HANG_UP) != 0;
    }

    private void kill(String why) {
        if (mmu.isGone()) {
            return;
        }
        log.line(this + " is ended: " + why);
        // Nothing more is tried on its memory, and nothing more is said about it.
        mmu.setGone();
        try {
            process.signal(PidFd.SIGNAL_KILL);
        } catch (NativeException e) {
            // Somebody else's process, such as one of root's: it stands still where it touches what is not there.
            log.line(this + " cannot be ended: " + e.getMessage());
        }
        connection.shutdown();
    }

    // ---- the end -----------------------------------------------------------------------------------------------

    static void join(Thread thread) {
        boolean interrupted = false;
        for (; ; ) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    boolean has(MemoryNode node) {
        return order.stream().anyMatch(region -> region.frames == node);
    }

    long makeRoom() {
        return evictor.reclaimNow();
    }

    /** Returns once everything is given back. */
    void awaitEnd() {
        boolean interrupted = false;
        for (; ; ) {
            try {
                over.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Serves no longer and gives nothing back: what is in custody is for another daemon. */
    void abandon() {
        ended = true;
        // What is under way is completed: the client is still there, and half a move would be a lost page.
        pump.stop();
        evictor.stop();
        over.countDown();
    }

    /** Makes {@link #run} end. */
    void shutdown() {
        connection.shutdown();
    }

    private void end() {
        ended = true;
        mmu.setGone();
        try {
            giveBack(pump::stop);
            giveBack(evictor::stop);
            Computing computes = computing;
            if (computes != null) {
                giveBack(computes::stop);
            }
            threads.forEach(ClientSession::join);
            List.copyOf(order).forEach(region -> giveBack(() -> unregister(region)));
            giveBack(space::exit);
            giveBack(() -> daemon.removeDevices(devices));
            giveBack(overflowFiles::close);
            giveBack(() -> release(key()));
            giveBack(() -> closeMemory(computes));
            giveBack(pump::close);
            giveBack(connection::close);
            giveBack(process::close);
        } finally {
            daemon.ended(this);
            if (welcomed) {
                log.line(this + " has left");
            }
            over.countDown();
        }
    }

    private void closeMemory(@Nullable Computing computes) {
        if (computes == null || computes.close()) {
            memory.close();
        } else {
            log.line(this + ": a kernel does not end; the memory of its device is kept until the daemon ends");
        }
    }

    /** What cannot be given back is lost; the rest is not. */
    private void giveBack(Runnable step) {
        try {
            step.run();
        } catch (RuntimeException e) {
            log.defect(this + ": not everything could be given back", e);
        }
    }

    @Override
    public String toString() {
        return "client " + number + " (" + (name.isEmpty() ? "" : name + ", ") + "pid " + pid + ")";
    }
}
