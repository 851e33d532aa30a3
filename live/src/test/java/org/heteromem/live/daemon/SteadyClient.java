package org.heteromem.live.daemon;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import org.heteromem.live.natives.Mapping;
import org.heteromem.live.wire.MessageType;

/**
 * A client that behaves: writes and checks pages of memory larger than its RAM, without pause, until its standard input
 * ends; then it checks every long of all of them and leaves. How far it is stands in a file. Arguments: socket, pages, RAM
 * pages, seed, progress file.
 */
final class SteadyClient {
    private static final int PAGE = RawClient.PAGE;

    private SteadyClient() {}

    public static void main(String[] arguments) throws IOException {
        Path socket = Path.of(arguments[0]);
        int pages = Integer.parseInt(arguments[1]);
        long ram = Long.parseLong(arguments[2]) * PAGE;
        SplittableRandom random = new SplittableRandom(Long.parseLong(arguments[3]));
        int[] versions = new int[pages];
        try (RawClient client = RawClient.greet(socket, ram, "steady");
                FileChannel file = FileChannel.open(
                        Path.of(arguments[4]),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
                Arena arena = Arena.ofConfined()) {
            MemorySegment progress = file.map(FileChannel.MapMode.READ_WRITE, 0, Long.BYTES, arena);
            RawClient.Region region = client.memory(0, (long) pages * PAGE);
            MemorySegment memory = region.segment();
            for (long steps = 1; System.in.available() == 0; steps++) {
                int page = random.nextInt(pages);
                check(memory, page, versions[page], random.nextInt(PAGE / 8));
                if (random.nextBoolean()) {
                    write(memory, page, ++versions[page]);
                }
                progress.set(JAVA_LONG, 0, steps);
                if ((steps & 63) == 0) {
                    // What a system does that is short of memory: the pages stay, the table forgets them.
                    region.mapping().advise((long) page * PAGE, PAGE, Mapping.Advice.DONTNEED);
                    check(memory, page, versions[page], 0);
                }
                if ((steps & 1023) == 0) {
                    System.gc();
                }
            }
            for (int page = 0; page < pages; page++) {
                for (int i = 0; i < PAGE / 8; i++) {
                    check(memory, page, versions[page], i);
                }
            }
            RawClient.need(MessageType.DONE, client.range(MessageType.FREE, 0, 0, (long) pages * PAGE));
        }
        System.out.println("right");
    }

    private static void write(MemorySegment memory, int page, int version) {
        for (int i = 0; i < PAGE / 8; i++) {
            memory.set(JAVA_LONG, (long) page * PAGE + i * 8L, value(page, version, i));
        }
    }

    private static void check(MemorySegment memory, int page, int version, int i) {
        long found = memory.get(JAVA_LONG, (long) page * PAGE + i * 8L);
        if (found != value(page, version, i)) {
            throw new AssertionError("page " + page + " long " + i + " is " + found + ", version " + version + " is "
                    + value(page, version, i));
        }
    }

    /** Every third version compresses. */
    private static long value(int page, int version, int i) {
        if (version == 0) {
            return 0;
        }
        long mixed = ((long) page << 32 | version) * 0x9E3779B97F4A7C15L;
        return version % 3 == 0 ? mixed : mixed * (2L * i + 1) ^ mixed >>> 17;
    }
}
