package org.heteromem.live.daemon;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.EventFd;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.natives.Mapping;
import org.heteromem.live.natives.Memfd;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.NativeFile;
import org.heteromem.live.natives.Uffdio;
import org.heteromem.live.natives.UnixSocket;
import org.heteromem.live.natives.Userfault;
import org.heteromem.live.natives.UserfaultEvents;
import org.heteromem.live.wire.ErrorCode;
import org.heteromem.live.wire.Failure;
import org.heteromem.live.wire.Message;
import org.heteromem.live.wire.MessageType;
import org.heteromem.live.wire.Query;
import org.heteromem.live.wire.RangeRequest;
import org.heteromem.live.wire.RegisterRegion;
import org.heteromem.live.wire.UnregisterRegion;
import org.heteromem.live.wire.Wire;
import org.jspecify.annotations.Nullable;

/** What a hostile or broken client does, and what that costs it. */
enum Deed {
    // ---- messages that are none --------------------------------------------------------------------------------

    SENDS_NOISE(Price.CONNECTION) {
        @Override
        void run(Path socket, SplittableRandom random) {
            for (int i = 0; i < 200; i++) {
                try (RawClient client =
                        i % 2 == 0 ? RawClient.connect(socket) : RawClient.greet(socket, RAM, "noise")) {
                    byte[] noise = new byte[1 + random.nextInt(i % 4 == 0 ? 200_000 : 64)];
                    random.nextBytes(noise);
                    client.send(noise);
                    client.expectClosed();
                }
            }
        }
    },
    CHANGES_EVERY_FIELD_OF_EVERY_MESSAGE(Price.CONNECTION) {
        @Override
        void run(Path socket, SplittableRandom random) {
            for (MessageType type : MessageType.values()) {
                for (int i = 0; i < 8; i++) {
                    try (RawClient client = RawClient.greet(socket, RAM, "fields");
                            Memfd some = Memfd.create("some", 4096)) {
                        byte[] bytes = new byte[16 + random.nextInt(80)];
                        random.nextBytes(bytes);
                        MemorySegment header = MemorySegment.ofArray(bytes);
                        header.set(INT, 0, i == 0 ? bytes.length + 1 : bytes.length);
                        header.set(SHORT, 4, (short) type.code());
                        header.set(SHORT, 6, (short) (i == 1 ? 77 : Wire.VERSION));
                        if (i % 2 == 0) {
                            // Otherwise it is, as a rule, for another daemon, and what is well-formed gets no answer.
                            header.set(INT, Wire.HEADER_BYTES - Integer.BYTES, 0);
                        }
                        Fd[] descriptors = new Fd[i == 2 ? 3 : type.descriptors()];
                        Arrays.fill(descriptors, some.fd());
                        client.send(bytes, descriptors);
                        client.answersOrHasClosed();
                    } catch (NativeException e) {
                        RawClient.requireClosed(e);
                    }
                }
            }
        }
    },
    CUTS_MESSAGES_SHORT(Price.CONNECTION) {
        @Override
        void run(Path socket, SplittableRandom random) {
            for (int cut = 1; cut < 60; cut++) {
                try (RawClient client = RawClient.greet(socket, RAM, "cut")) {
                    RangeRequest whole = new RangeRequest()
                            .begin(client.buffer, MessageType.EVICT, 9, 0)
                            .add(0, 4096);
                    byte[] bytes = whole.bytes().toArray(ValueLayout.JAVA_BYTE);
                    byte[] part = Arrays.copyOf(bytes, Math.max(1, bytes.length - cut));
                    if (part.length >= 4) {
                        MemorySegment.ofArray(part).set(INT, 0, part.length);
                    }
                    client.send(part);
                    client.expectClosed();
                }
            }
        }
    },
    COUNTS_MORE_RANGES_THAN_IT_SENDS(Price.CONNECTION) {
        @Override
        void run(Path socket, SplittableRandom random) {
            for (int count : new int[] {0, -1, 2, 4000, 4001, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
                try (RawClient client = RawClient.greet(socket, RAM, "counts")) {
                    byte[] bytes = new RangeRequest()
                            .begin(client.buffer, MessageType.FREE, 9, 0)
                            .add(0, 4096)
                            .bytes()
                            .toArray(ValueLayout.JAVA_BYTE);
                    MemorySegment.ofArray(bytes).set(INT, 24, count);
                    client.send(bytes);
                    client.expectClosed();
                }
            }
        }
    },
    SENDS_DESCRIPTORS_THAT_NOBODY_WANTS(Price.CONNECTION) {
        @Override
        void run(Path socket, SplittableRandom random) {
            for (int count = 1; count <= UnixSocket.MAX_DESCRIPTORS; count++) {
                try (RawClient client = RawClient.greet(socket, RAM, "descriptors");
                        EventFd some = EventFd.create()) {
                    Fd[] descriptors = new Fd[count];
                    Arrays.fill(descriptors, some.fd());
                    byte[] query = new Query()
                            .encode(client.buffer, MessageType.STATUS, 5, 0)
                            .bytes()
                            .toArray(ValueLayout.JAVA_BYTE);
                    client.send(query, descriptors);
                    client.expectClosed();
                }
            }
        }
    },
    SPEAKS_BEFORE_IT_GREETS(Price.CONNECTION) {
        @Override
        void run(Path socket, SplittableRandom random) {
            try (RawClient client = RawClient.connect(socket)) {
                client.connection.send(new Query().encode(client.buffer, MessageType.STATUS, 5, 0));
                client.expectClosed();
            }
            try (RawClient client = RawClient.connect(socket)) {
                RawClient.Region region = RawClient.region(4096);
                client.connection.send(
                        new RegisterRegion().encode(client.buffer, 5, 0, region.address(), 4096, ""),
                        region.file().fd(),
                        region.faults().fd());
                client.expectClosed();
                region.close();
            }
        }
    },
    GREETS_TWICE(Price.CONNECTION) {
        @Override
        void run(Path socket, SplittableRandom random) {
            try (RawClient client = RawClient.greet(socket, RAM, "twice")) {
                client.connection.send(client.hello(RAM, "twice"));
                client.expectClosed();
            }
        }
    },
    GREETS_UNTIL_IT_GETS_TOO_MUCH(Price.NOTHING) {
        @Override
        void run(Path socket, SplittableRandom random) {
            for (int i = 0; i < 50; i++) {
                try (RawClient client = RawClient.connect(socket)) {
                    RawClient.refused(client.ask(client.hello(1L << 46, "greedy")), "bytes of RAM were asked for");
                    RawClient.refused(client.ask(client.hello(4096, "poor")), "too small");
                    RawClient.need(MessageType.WELCOME, client.ask(client.hello(RAM, "content")));
                }
            }
        }
    },
    TALKS_AS_THE_DAEMON(Price.NOTHING) {
        @Override
        void run(Path socket, SplittableRandom random) {
            try (RawClient client = RawClient.greet(socket, RAM, "daemon")) {
                RawClient.refused(
                        client.ask(new Failure().encode(client.buffer, 5, ErrorCode.INTERNAL, "boo")),
                        "not for a client");
                client.alive();
            }
        }
    },

    // ---- regions that are none ---------------------------------------------------------------------------------

    HANDS_OVER_MEMORY_THAT_CAN_SHRINK(Price.NOTHING) {
        @Override
        void run(Path socket, SplittableRandom random) {
            try (RawClient client = RawClient.greet(socket, RAM, "seals")) {
                for (int seals : new int[] {
                    0,
                    Memfd.SEAL_GROW,
                    Memfd.SEAL_SHRINK | Memfd.SEAL_GROW,
                    Memfd.SEAL_SEAL | Memfd.SEAL_GROW,
                    Memfd.REGION_SEALS | Memfd.SEAL_FUTURE_WRITE
                }) {
                    Memfd file = Memfd.create("seals", 8192);
                    Userfault faults = Userfault.open(Uffdio.REQUIRED_FEATURES);
                    if (seals != 0) {
                        file.addSeals(seals);
                    }
                    RawClient.refused(client.register(0, 1L << 30, 8192, file.fd(), faults.fd()), "seals");
                    file.close();
                    faults.close();
                }
                client.alive();
            }
        }
    },
    HANDS_OVER_ANYTHING(Price.NOTHING) {
        @Override
        void run(Path socket, SplittableRandom random) throws IOException {
            Path temporary = Files.createTempFile("deed", "");
            Files.write(temporary, new byte[8192]);
            RawClient.Region good = RawClient.region(8192);
            try (RawClient client = RawClient.greet(socket, RAM, "anything");
                    EventFd event = EventFd.create();
                    Memfd unsealed = Memfd.create("memfd", 8192);
                    NativeFile file =
                            NativeFile.open(temporary, Set.of(NativeFile.Access.READ, NativeFile.Access.WRITE));
                    NativeFile zero = NativeFile.open(
                            Path.of("/dev/zero"), Set.of(NativeFile.Access.READ, NativeFile.Access.WRITE));
                    UnixSocket.Pair pair = UnixSocket.pair()) {
                Fd[] all = {
                    event.fd(),
                    unsealed.fd(),
                    file.fd(),
                    zero.fd(),
                    pair.left().fd(),
                    client.connection.socket().fd(),
                    good.faults().fd()
                };
                for (Fd memory : all) {
                    RawClient.refused(
                            client.register(
                                    0,
                                    good.address(),
                                    8192,
                                    memory,
                                    good.faults().fd()),
                            "region 0 of client");
                }
                for (Fd faults : all) {
                    if (faults != good.faults().fd()) {
                        RawClient.refused(
                                client.register(
                                        0, good.address(), 8192, good.file().fd(), faults),
                                "userfaultfd");
                    }
                }
                client.alive();
                RawClient.need(MessageType.DONE, client.register(0, good));
            } finally {
                good.close();
                Files.delete(temporary);
            }
        }
    },
    NAMES_MORE_THAN_ITS_FILE_HAS(Price.NOTHING) {
        @Override
        void run(Path socket, SplittableRandom random) {
            try (RawClient.Region region = RawClient.region(8192);
                    RawClient client = RawClient.greet(socket, RAM, "long")) {
                Fd file = region.file().fd();
                Fd faults = region.faults().fd();
                RawClient.refused(
                        client.register(0, region.address(), 12288, file, faults), "its memfd has 8192 bytes");
                RawClient.refused(client.register(0, 1L << 40, 1L << 46, file, faults), "limit");
                client.alive();
            }
        }
    },
    WANTS_ALL_ADDRESS_SPACE(Price.NOTHING) {
        @Override
        void run(Path socket, SplittableRandom random) {
            try (RawClient client = RawClient.greet(socket, RAM, "space");
                    Memfd file = Memfd.create("space", 1L << 42);
                    Userfault faults = Userfault.open(Uffdio.REQUIRED_FEATURES)) {
                file.addSeals(Memfd.REGION_SEALS);
                int refusals = 0;
                for (int i = 0; i < 30; i++) {
                    Message answer = client.register(i, (long) (i + 1) << 42, 1L << 42, file.fd(), faults.fd());
                    refusals += answer.type() == MessageType.ERROR ? 1 : 0;
                }
                check(refusals > 0, "thirty regions of 4 TiB were taken");
                client.alive();
            }
        }
    },
    LAYS_REGIONS_OVER_EACH_OTHER(Price.NOTHING) {
        @Override
        void run(Path socket, SplittableRandom random) {
            try (RawClient.Region region = RawClient.region(1 << 20);
                    RawClient.Region other = RawClient.region(1 << 20);
                    RawClient client = RawClient.greet(socket, RAM, "overlap")) {
                RawClient.need(MessageType.DONE, client.register(0, region));
                for (long by : new long[] {-4096, 0, 4096, (1 << 20) - 4096}) {
                    RawClient.refused(
                            client.register(
                                    1,
                                    region.address() + by,
                                    1 << 20,
                                    other.file().fd(),
                                    other.faults().fd()),
                            "overlap");
                }
                RawClient.refused(client.register(0, other), "there is a region 0");
                client.alive();
            }
        }
    },
    REACHES_OUT_OF_ITS_REGION(Price.NOTHING) {
        @Override
        void run(Path socket, SplittableRandom random) {
            try (RawClient client = RawClient.greet(socket, RAM, "ranges")) {
                RawClient.Region region = client.memory(0, 1 << 20);
                for (MessageType type : List.of(
                        MessageType.ALLOCATE,
                        MessageType.FREE,
                        MessageType.PREFETCH,
                        MessageType.EVICT,
                        MessageType.PIN,
                        MessageType.UNPIN,
                        MessageType.RESIDENCY)) {
                    RawClient.refused(client.range(type, 0, 1 << 20, 4096), "leaves region");
                    RawClient.refused(client.range(type, 0, 0, (1 << 20) + 4096), "leaves region");
                    RawClient.refused(client.range(type, 0, (1L << 47) - 4096, 4096), "leaves region");
                    RawClient.refused(client.range(type, 7, 0, 4096), "no region 7");
                }
                RawClient.refused(client.range(MessageType.UNPIN, 0, 0, 4096), "not pinned");
                RawClient.refused(client.range(MessageType.PIN, 0, 0, 1 << 20), "cannot pin");
                RawClient.refused(client.ask(new UnregisterRegion().encode(client.buffer, 4, 9)), "no region 9");
                client.alive();
                region.close();
            }
        }
    },
    FREES_WHAT_IT_HAS_PINNED(Price.NOTHING) {
        @Override
        void run(Path socket, SplittableRandom random) {
            try (RawClient client = RawClient.greet(socket, RAM, "pinned");
                    RawClient.Region region = touched(client)) {
                RawClient.need(MessageType.DONE, client.range(MessageType.PIN, 0, 0, RAM / 4));
                RawClient.refused(client.range(MessageType.PIN, 0, 0, RAM / 2), "cannot pin");
                RawClient.need(MessageType.DONE, client.range(MessageType.FREE, 0, 0, 4 * RAM));
                RawClient.need(MessageType.DONE, client.range(MessageType.ALLOCATE, 0, 0, 4 * RAM));
                for (long at = 0; at < region.bytes(); at += RawClient.PAGE) {
                    check(region.segment().get(JAVA_LONG, at) == 0, "what was freed is not zero");
                }
                region.write();
                RawClient.need(MessageType.DONE, client.range(MessageType.PIN, 0, 0, RAM / 2));
                client.alive();
            }
        }
    },
    ASKS_FOR_THE_SAME_PAGES_THOUSANDS_OF_TIMES(Price.NOTHING) {
        @Override
        void run(Path socket, SplittableRandom random) {
            try (RawClient client = RawClient.greet(socket, RAM, "again")) {
                RawClient.Region region = client.memory(0, 64 << 20);
                for (MessageType type : List.of(MessageType.RESIDENCY, MessageType.PREFETCH, MessageType.EVICT)) {
                    RangeRequest request = new RangeRequest().begin(client.buffer, type, 3, 0);
                    for (int i = 0; i < Wire.MAX_RANGES; i++) {
                        request.add(0, 64 << 20);
                    }
                    RawClient.refused(client.ask(request), "together");
                }
                client.alive();
                region.close();
            }
        }
    },

    // ---- floods ------------------------------------------------------------------------------------------------

    ASKS_AND_NEVER_LISTENS(Price.CONNECTION) {
        @Override
        void run(Path socket, SplittableRandom random) {
            try (RawClient client = RawClient.greet(socket, RAM, "deaf")) {
                Query query = new Query();
                for (int i = 0; i < 100_000; i++) {
                    client.connection.send(query.encode(client.buffer, MessageType.STATUS, 5, 0));
                }
                check(false, "a hundred thousand answers were taken by nobody");
            } catch (NativeException e) {
                RawClient.requireClosed(e);
            }
        }
    },
    SENDS_NOTICES_THAT_MEAN_NOTHING(Price.NOTHING) {
        @Override
        void run(Path socket, SplittableRandom random) {
            try (RawClient client = RawClient.greet(socket, RAM, "nonsense")) {
                RangeRequest notice = new RangeRequest();
                for (int i = 0; i < 20_000; i++) {
                    client.connection.send(
                            notice.begin(client.buffer, MessageType.FREE, 0, 5).add(0, 4096));
                }
                client.alive();
            }
        }
    },
    CONNECTS_WITHOUT_END(Price.NOTHING) {
        @Override
        void run(Path socket, SplittableRandom random) {
            List<RawClient> all = new ArrayList<>();
            try {
                for (int i = 0; i < 500; i++) {
                    all.add(RawClient.connect(socket));
                }
            } catch (NativeException e) {
                RawClient.requireClosed(e);
            } finally {
                all.forEach(RawClient::close);
            }
        }
    },
    OPENS_MEMORY_WITHOUT_END(Price.NOTHING) {
        @Override
        void run(Path socket, SplittableRandom random) {
            List<RawClient> all = new ArrayList<>();
            try {
                for (int i = 0; i < Daemon.MAX_OF_PROCESS; i++) {
                    all.add(RawClient.greet(socket, RAM, "many"));
                }
                try (RawClient more = RawClient.connect(socket)) {
                    RawClient.refused(more.ask(more.hello(RAM, "more")), "has opened memory 64 times already");
                    all.removeLast().close();
                    // The daemon hears of it by and by.
                    pause();
                    RawClient.need(MessageType.WELCOME, more.ask(more.hello(RAM, "more")));
                }
            } finally {
                all.forEach(RawClient::close);
            }
        }
    },
    PINS_WITHOUT_END(Price.NOTHING) {
        @Override
        void run(Path socket, SplittableRandom random) {
            try (RawClient client = RawClient.greet(socket, 16 * RAM, "pins")) {
                client.memory(0, RAM);
                for (int i = 0; i < ClientPins.MAX_RANGES; i++) {
                    RawClient.need(MessageType.DONE, client.range(MessageType.PIN, 0, 0, 4096));
                }
                RawClient.refused(client.range(MessageType.PIN, 0, 0, 4096), "at most 1024");
                RawClient.need(MessageType.DONE, client.range(MessageType.FREE, 0, 0, RAM));
                RawClient.need(MessageType.DONE, client.range(MessageType.PIN, 0, 0, 4096));
            }
        }
    },
    REGISTERS_WITHOUT_END(Price.NOTHING) {
        @Override
        void run(Path socket, SplittableRandom random) {
            try (RawClient.Region region = RawClient.region(4096);
                    RawClient client = RawClient.greet(socket, RAM, "regions")) {
                int taken = 0;
                while (client.register(
                                        taken,
                                        (1L << 32) + taken * 8192L,
                                        4096,
                                        region.file().fd(),
                                        region.faults().fd())
                                .type()
                        == MessageType.DONE) {
                    taken++;
                }
                check(taken < 2000, taken + " regions were taken");
                client.alive();
            }
        }
    },
    LEAVES_AT_ANY_MOMENT(Price.NOTHING) {
        @Override
        void run(Path socket, SplittableRandom random) {
            for (int i = 0; i < 60; i++) {
                int moment = random.nextInt(6);
                RawClient client = RawClient.greet(socket, RAM, "leaves");
                RawClient.Region region = RawClient.region(4 << 20);
                try {
                    RegisterRegion register =
                            new RegisterRegion().encode(client.buffer, 4, 0, region.address(), region.bytes(), "");
                    client.connection.send(
                            register, region.file().fd(), region.faults().fd());
                    if (moment > 0) {
                        client.answer();
                        for (long at = 0; at < region.bytes() && moment > 1; at += 4096) {
                            region.segment().set(JAVA_LONG, at, at);
                        }
                        for (int n = 0; n < moment; n++) {
                            client.connection.send(new RangeRequest()
                                    .begin(
                                            client.buffer,
                                            random.nextBoolean() ? MessageType.PREFETCH : MessageType.EVICT,
                                            5,
                                            0)
                                    .add(0, region.bytes()));
                        }
                    }
                } finally {
                    client.close();
                    region.close();
                }
            }
        }
    },

    // ---- what the daemon cannot serve any more -----------------------------------------------------------------

    PUNCHES_ITS_OWN_FILE(Price.LIFE) {
        @Override
        void run(Path socket, SplittableRandom random) {
            RawClient.Region region = touched(socket);
            region.file().punchHole(0, region.bytes());
            long last = region.segment().get(JAVA_LONG, region.bytes() - 4096); // in RAM until now
            check(false, "a page that was destroyed reads " + last);
        }
    },
    WRITES_THROUGH_ANOTHER_MAPPING(Price.LIFE) {
        @Override
        void run(Path socket, SplittableRandom random) {
            RawClient.Region region = touched(socket);
            Mapping other = Mapping.shared(region.file(), 0, region.bytes());
            other.segment().fill((byte) 3);
            region.read();
        }
    },
    UNMAPS_ITS_REGION(Price.LIFE) {
        @Override
        void run(Path socket, SplittableRandom random) {
            RawClient client = RawClient.greet(socket, RAM, "unmaps");
            RawClient.Region region = touched(client);
            region.mapping().close();
            client.range(MessageType.EVICT, 0, 0, region.bytes());
        }
    },
    MOVES_ITS_REGION(Price.LIFE) {
        @Override
        void run(Path socket, SplittableRandom random) {
            RawClient client = RawClient.greet(socket, RAM, "moves");
            RawClient.Region region = touched(client);
            RawCalls.remap(region.address(), region.bytes(), 4096);
            client.range(MessageType.PREFETCH, 0, 0, region.bytes());
            client.range(MessageType.EVICT, 0, 0, region.bytes());
        }
    },
    FORGETS_WRITE_PROTECTION(Price.LIFE) {
        @Override
        void run(Path socket, SplittableRandom random) {
            RawClient client = RawClient.greet(socket, RAM, "modes");
            RawClient.Region region = RawClient.region(
                    4 * RAM,
                    Memfd.REGION_SEALS,
                    Uffdio.REGISTER_MISSING | Uffdio.REGISTER_MINOR,
                    Uffdio.REQUIRED_FEATURES);
            RawClient.need(MessageType.DONE, client.register(0, region));
            region.write();
        }
    },
    REGISTERS_NOTHING_WITH_ITS_USERFAULTFD(Price.LIFE) {
        @Override
        void run(Path socket, SplittableRandom random) {
            RawClient client = RawClient.greet(socket, RAM, "unregistered");
            RawClient.Region region = RawClient.region(1 << 20, Memfd.REGION_SEALS, 0, Uffdio.REQUIRED_FEATURES);
            RawClient.need(MessageType.DONE, client.register(0, region));
            client.range(MessageType.PIN, 0, 0, 4096);
        }
    },
    NAMES_AN_ADDRESS_WHERE_IT_HAS_NOTHING(Price.LIFE) {
        @Override
        void run(Path socket, SplittableRandom random) {
            RawClient client = RawClient.greet(socket, RAM, "nowhere");
            RawClient.Region region = RawClient.region(1 << 20);
            RawClient.need(
                    MessageType.DONE,
                    client.register(
                            0,
                            1L << 40,
                            1 << 20,
                            region.file().fd(),
                            region.faults().fd()));
            client.range(MessageType.PIN, 0, 0, 4096);
        }
    },
    FAULTS_WHERE_IT_HAS_NO_REGION(Price.LIFE) {
        @Override
        void run(Path socket, SplittableRandom random) {
            RawClient client = RawClient.greet(socket, RAM, "stray");
            RawClient.Region region = client.memory(0, 1 << 20);
            Mapping elsewhere = Mapping.anonymous(1 << 20);
            region.faults().register(elsewhere.address(), 1 << 20, Uffdio.REGISTER_MISSING);
            elsewhere.segment().get(ValueLayout.JAVA_BYTE, 0);
        }
    },
    HEARS_OF_FORKS(Price.LIFE) {
        @Override
        void run(Path socket, SplittableRandom random) throws IOException {
            // Each such event gives a descriptor to whoever reads it.
            System.setProperty("jdk.lang.Process.launchMechanism", "FORK");
            RawClient client = RawClient.greet(socket, RAM, "forks");
            RawClient.Region region = withEvents(client);
            region.write();
            for (int i = 0; i < 1000; i++) {
                new ProcessBuilder("true").start();
            }
        }
    },
    HEARS_OF_MORE_THAN_FAULTS(Price.LIFE) {
        @Override
        void run(Path socket, SplittableRandom random) throws IOException {
            RawClient client = RawClient.greet(socket, RAM, "events");
            RawClient.Region region = withEvents(client);
            region.write();
            RawCalls.advise(region.address(), 4096, RawCalls.MADV_REMOVE);
            region.mapping().close();
        }
    },
    MAKES_THE_READER_OF_ITS_FAULTS_WAIT(Price.LIFE) {
        @Override
        void run(Path socket, SplittableRandom random) {
            RawClient client = RawClient.greet(socket, RAM, "waits");
            RawClient.Region region = client.memory(0, 4 * RAM);
            RawCalls.block(region.faults().fd().number());
            Thread.ofPlatform().daemon().start(region::write);
        }
    },
    READS_ITS_OWN_FAULTS(Price.LIFE) {
        @Override
        void run(Path socket, SplittableRandom random) throws IOException {
            RawClient client = RawClient.greet(socket, RAM, "thief");
            RawClient.Region region = client.memory(0, 4 * RAM);
            RawCalls.block(region.faults().fd().number());
            Thread.ofPlatform().daemon().start(() -> {
                UserfaultEvents events = new UserfaultEvents(1);
                for (; ; ) {
                    region.faults().read(events);
                }
            });
            Thread.ofPlatform().daemon().start(region::write);
            pause();
            client.close();
            pause();
            die();
        }
    },
    DIES_IN_A_FLOOD_OF_FAULTS(Price.LIFE) {
        @Override
        void run(Path socket, SplittableRandom random) throws IOException {
            RawClient client = RawClient.greet(socket, RAM, "flood");
            RawClient.Region region = client.memory(0, 16 * RAM);
            for (int t = 0; t < 16; t++) {
                SplittableRandom mine = random.split();
                Thread.ofPlatform().daemon().start(() -> {
                    for (; ; ) {
                        region.segment().set(JAVA_LONG, mine.nextLong(region.bytes() / 4096) * 4096, mine.nextLong());
                    }
                });
            }
            pause();
            die();
        }
    };

    /** What it costs. */
    enum Price {
        /** The daemon refuses, and that is all. */
        NOTHING,
        /** The daemon ends the connection. */
        CONNECTION,
        /** The daemon ends the process, as its memory cannot be served any more; or the process ends itself. */
        LIFE
    }

    static final long RAM = 1 << 20;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final long EVENTS = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 6;

    final Price price;

    Deed(Price price) {
        this.price = price;
    }

    abstract void run(Path socket, SplittableRandom random) throws IOException;

    private static void check(boolean holds, @Nullable String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }

    private static RawClient.Region touched(Path socket) {
        return touched(RawClient.greet(socket, RAM, "touched"));
    }

    /** Memory four times its RAM, all of it written. */
    private static RawClient.Region touched(RawClient client) {
        RawClient.Region region = client.memory(0, 4 * RAM);
        region.write();
        return region;
    }

    private static RawClient.Region withEvents(RawClient client) throws IOException {
        Memfd file = Memfd.create("events", 2 * RAM);
        file.addSeals(Memfd.REGION_SEALS);
        Mapping mapping = Mapping.sharedAligned(file, 0, 2 * RAM, 2 << 20);
        Userfault faults;
        try {
            faults = Userfault.open(Uffdio.REQUIRED_FEATURES | EVENTS);
        } catch (NativeException e) {
            if (e.errno() != Errno.EPERM) {
                throw e;
            }
            // Then no client of this user can do it either.
            System.out.println("not run: this user may not hear of events: " + e.getMessage());
            die();
            throw e;
        }
        faults.register(mapping.address(), 2 * RAM, RawClient.ALL_MODES);
        RawClient.Region region = new RawClient.Region(file, mapping, faults);
        RawClient.need(MessageType.DONE, client.register(0, region));
        return region;
    }

    /** Whatever its threads are doing. */
    private static void die() throws IOException {
        new ProcessBuilder("kill", "-9", Long.toString(ProcessHandle.current().pid())).start();
        pause();
    }

    private static void pause() {
        try {
            Thread.sleep(300);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Does deeds, each as another client: those that are named. Arguments: socket, seed, names. */
    static final class Main {
        private Main() {}

        public static void main(String[] arguments) throws IOException, InterruptedException {
            Path socket = Path.of(arguments[0]);
            SplittableRandom random = new SplittableRandom(Long.parseLong(arguments[1]));
            for (int i = 2; i < arguments.length; i++) {
                Deed deed = valueOf(arguments[i]);
                deed.run(socket, random.split());
                System.out.println("done " + deed + " after "
                        + ManagementFactory.getRuntimeMXBean().getUptime() + " ms");
                if (deed.price == Price.LIFE) {
                    Thread.sleep(20_000); // the end comes from outside
                }
            }
            System.out.println("survived");
        }
    }
}
