package org.heteromem.live.daemon;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.heteromem.live.ConnectionLostException;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Options;
import org.heteromem.live.Pin;
import org.heteromem.live.UnavailableException;

/**
 * A program that uses the API as programs do, with a private daemon that somebody kills: arenas come and go, memory is
 * written, read, evicted, prefetched and pinned, and every value is checked, until its input ends. Arguments: seed, and the
 * socket if the daemon is somebody's.
 */
final class ArenasClient {
    private static final int MAX_BYTES = 1 << 20;
    private static final long LARGE_BYTES = 65L << 20;

    private ArenasClient() {}

    private record Block(Arena arena, MemorySegment memory, long value) {}

    public static void main(String[] arguments) {
        SplittableRandom random = new SplittableRandom(Long.parseLong(arguments[0]));
        BooleanSupplier goesOn = Jvm.inputGoesOn();
        long steps = 0;
        Options options = Options.ram("4M");
        try (Heteromem memory = open(
                arguments.length > 1
                        ? options.socket(Path.of(arguments[1]))
                        : options.overflow("compressed", "160M"))) {
            List<Block> blocks = new ArrayList<>();
            while (goesOn.getAsBoolean()) {
                steps++;
                int choice = random.nextInt(10);
                if (steps % 64 == 0) {
                    // It gets a region of its own, which goes with it.
                    try (Arena arena = memory.arena()) {
                        MemorySegment large = arena.allocate(LARGE_BYTES, 8);
                        check(large, 0, random);
                        fill(large.asSlice(random.nextInt(MAX_BYTES) & -8L, MAX_BYTES), 1);
                    }
                }
                if (blocks.size() < 4 || (choice == 0 && blocks.size() < 24)) {
                    Arena arena = random.nextBoolean() ? memory.arena() : memory.sharedArena();
                    MemorySegment fresh = arena.allocate(1 + random.nextInt(MAX_BYTES), 8);
                    check(fresh, 0, random);
                    long value = random.nextLong() | 1;
                    fill(fresh, value);
                    blocks.add(new Block(arena, fresh, value));
                    if (steps == 1) {
                        // From now on its daemon has something that must not be lost.
                        System.out.println("ready");
                    }
                    continue;
                }
                Block block = blocks.get(random.nextInt(blocks.size()));
                switch (choice) {
                    case 1 -> {
                        block.arena.close();
                        blocks.remove(block);
                    }
                    case 2 -> memory.evict(block.memory);
                    case 3 -> memory.prefetch(block.memory);
                    case 4 -> {
                        MemorySegment some = block.memory.asSlice(0, Math.min(block.memory.byteSize(), 64 << 10));
                        try (Pin pin = memory.pin(some)) {
                            if (memory.residency(some).ram() * 4096 < some.byteSize()) {
                                throw new AssertionError("pinned by " + pin + ", and not all of it is in RAM: "
                                        + memory.residency(some));
                            }
                        }
                    }
                    default -> check(block.memory, block.value, random);
                }
            }
            for (Block block : blocks) {
                for (int i = 0; i < 50; i++) {
                    check(block.memory, block.value, random);
                }
                block.arena.close();
            }
        }
        System.out.println("steps " + steps);
        System.out.println("right");
    }

    /** Until there is memory, a daemon that dies takes the connection with it, and nothing else. */
    private static Heteromem open(Options options) {
        for (int tries = 0; ; tries++) {
            try {
                Heteromem memory = Heteromem.open(options);
                try (Arena arena = memory.arena()) {
                    check(arena.allocate(8, 8), 0, new SplittableRandom());
                    return memory;
                } catch (ConnectionLostException e) {
                    memory.close();
                }
            } catch (UnavailableException | ConnectionLostException e) {
                if (tries > 1000 || options.socket().isEmpty()) {
                    throw e;
                }
            }
            LockSupport.parkNanos(20_000_000);
        }
    }

    private static void fill(MemorySegment memory, long value) {
        for (long at = 0; at + 8 <= memory.byteSize(); at += 8) {
            memory.set(ValueLayout.JAVA_LONG_UNALIGNED, at, value == 0 ? 0 : value * (at + 1));
        }
    }

    private static void check(MemorySegment memory, long value, SplittableRandom random) {
        for (int i = 0; i < 64 && memory.byteSize() >= 8; i++) {
            long at = random.nextLong(memory.byteSize() / 8) * 8;
            long found = memory.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
            if (found != value * (at + 1)) {
                throw new AssertionError(
                        "offset " + at + " of " + memory + " has " + found + ", not " + value * (at + 1));
            }
        }
    }
}
