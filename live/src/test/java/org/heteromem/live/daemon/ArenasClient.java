package org.heteromem.live.daemon;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Options;
import org.heteromem.live.Pin;

/**
 * A program that uses the API as programs do, with a private daemon that somebody kills: arenas come and go, memory is
 * written, read, evicted, prefetched and pinned, and every value is checked, until its input ends. Argument: seed.
 */
final class ArenasClient {
    private static final int MAX_BYTES = 1 << 20;

    private ArenasClient() {}

    private record Block(Arena arena, MemorySegment memory, long value) {}

    public static void main(String[] arguments) {
        SplittableRandom random = new SplittableRandom(Long.parseLong(arguments[0]));
        BooleanSupplier goesOn = Jvm.inputGoesOn();
        long steps = 0;
        try (Heteromem memory = Heteromem.open(Options.ram("4M").overflow("compressed", "64M"))) {
            List<Block> blocks = new ArrayList<>();
            while (goesOn.getAsBoolean()) {
                steps++;
                int choice = random.nextInt(10);
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
