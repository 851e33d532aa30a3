package org.heteromem.cli.soak;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import org.heteromem.live.Advice;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Pin;
import org.heteromem.live.Residency;
import org.jspecify.annotations.Nullable;

/**
 * One thread of a client: writes versions and checks them, allocates and frees, evicts, prefetches, pins, advises and hands
 * memory to system calls, as its seed says.
 */
final class SoakThread implements Runnable {
    private static final int WORDS = VersionedPages.PAGE / Long.BYTES;
    private static final int MAX_BLOCKS = 6;
    private static final int MAX_BLOCK_PAGES = 512;
    private static final int MAX_RUN_PAGES = 200;
    private static final int MAX_PINNED_PAGES = 32;

    private final Heteromem memory;
    private final int number;
    private final SplittableRandom random;
    private final FileChannel file;
    private final BooleanSupplier goesOn;
    private final long defectAfter;
    private final MemorySegment scratch = MemorySegment.ofBuffer(ByteBuffer.allocateDirect(VersionedPages.PAGE));
    /** The first is the thread's part of what all threads share, and stays. */
    private final List<VersionedPages> blocks = new ArrayList<>();

    private volatile long steps;
    private volatile @Nullable Throwable failure;

    SoakThread(
            Heteromem memory,
            VersionedPages shared,
            int number,
            long seed,
            FileChannel file,
            BooleanSupplier goesOn,
            long defectAfter) {
        this.memory = memory;
        this.number = number;
        this.random = new SplittableRandom(seed);
        this.file = file;
        this.goesOn = goesOn;
        this.defectAfter = defectAfter;
        blocks.add(shared);
    }

    /** {@return how much it has done; the watchdog looks whether it grows} */
    long steps() {
        return steps;
    }

    /** {@return what went wrong, or null} */
    @Nullable
    String failure() {
        Throwable what = failure;
        return what == null ? null : "thread " + number + ", operation " + steps + ": " + words(what);
    }

    private static String words(Throwable what) {
        if (what instanceof LiveSoakFailure) {
            return String.valueOf(what.getMessage());
        }
        StringBuilder words = new StringBuilder(what.toString());
        for (StackTraceElement frame : what.getStackTrace()) {
            words.append(" < ").append(frame);
        }
        return words.toString();
    }

    @Override
    @SuppressWarnings({"NonAtomicVolatileUpdate", "NonAtomicOperationOnVolatileField"}) // one thread counts
    public void run() {
        try {
            while (goesOn.getAsBoolean()) {
                step();
                steps++;
                if (steps == defectAfter) {
                    blocks.getFirst().damage(0);
                }
            }
            for (VersionedPages block : blocks) {
                for (int page = 0; page < block.count(); page++) {
                    block.checkAll(page);
                    steps++;
                }
            }
            while (blocks.size() > 1) {
                free(blocks.size() - 1);
            }
        } catch (Throwable t) { // reported by the client, whatever it is
            failure = t;
        }
    }

    private void step() throws IOException {
        VersionedPages block = blocks.get(random.nextInt(blocks.size()));
        switch (random.nextInt(64)) {
            case 0 -> allocate();
            case 1 -> {
                if (blocks.size() > 1) {
                    free(1 + random.nextInt(blocks.size() - 1));
                }
            }
            case 2, 3 -> memory.evict(some(block, MAX_BLOCK_PAGES));
            case 4, 5 -> memory.prefetch(some(block, MAX_BLOCK_PAGES));
            case 6 ->
                memory.advise(some(block, MAX_BLOCK_PAGES), Advice.values()[random.nextInt(Advice.values().length)]);
            case 7 -> pin(some(block, MAX_PINNED_PAGES));
            case 8 -> residency(some(block, MAX_BLOCK_PAGES));
            case 9, 10 -> throughAFile(block);
            case 11, 12, 13 -> block.checkAll(random.nextInt(block.count()));
            default -> run(block);
        }
    }

    private void run(VersionedPages block) {
        int from = random.nextInt(block.count());
        int pages = random.nextInt(8) == 0 ? 1 + random.nextInt(MAX_RUN_PAGES) : 1;
        boolean atOnce = random.nextBoolean();
        for (int page = from; page < Math.min(block.count(), from + pages); page++) {
            block.check(page, random.nextInt(WORDS));
            if (random.nextBoolean()) {
                block.write(page, atOnce);
            }
        }
    }

    private void allocate() {
        if (blocks.size() >= MAX_BLOCKS) {
            return;
        }
        int pages = 1 + random.nextInt(MAX_BLOCK_PAGES);
        boolean confined = random.nextBoolean();
        Arena arena = confined ? memory.confinedArena() : memory.sharedArena();
        try {
            MemorySegment fresh = arena.allocate((long) pages * VersionedPages.PAGE, Long.BYTES << random.nextInt(10));
            blocks.add(new VersionedPages(
                    "a block of " + pages + " pages of thread " + number, arena, fresh, 0, 1, random.nextLong()));
        } catch (OutOfMemoryError _) {
            // The others have it all.
            arena.close();
        }
    }

    private void free(int which) {
        VersionedPages block = blocks.remove(which);
        block.checkAll(random.nextInt(block.count()));
        block.arena().close();
    }

    private MemorySegment some(VersionedPages block, int most) {
        long bytes = block.memory().byteSize();
        long from = random.nextLong(bytes);
        return block.memory()
                .asSlice(from, Math.min(bytes - from, 1 + random.nextLong((long) most * VersionedPages.PAGE)));
    }

    private void pin(MemorySegment some) {
        try (Pin _ = memory.pin(some)) {
            Residency where = memory.residency(some);
            if (where.ram() != where.pages()) {
                throw new LiveSoakFailure("pinned memory is not all in RAM: " + where);
            }
        }
    }

    private void residency(MemorySegment some) {
        Residency where = memory.residency(some);
        long first = some.address() / VersionedPages.PAGE;
        long last = (some.address() + some.byteSize() - 1) / VersionedPages.PAGE;
        if (where.pages() != last - first + 1) {
            throw new LiveSoakFailure("memory of " + (last - first + 1) + " pages has " + where.pages() + ": " + where);
        }
    }

    /** The kernel reads what is there, and writes the same into where it was thrown away. */
    private void throughAFile(VersionedPages block) throws IOException {
        int page = random.nextInt(block.count());
        MemorySegment bytes = block.page(page);
        long at = (long) number * VersionedPages.PAGE;
        ByteBuffer buffer = bytes.asByteBuffer();
        moveAll(memory.touch(bytes, () -> file.write(buffer, at)));
        moveAll(file.read(scratch.asByteBuffer(), at));
        block.checkCopy(page, scratch);
        bytes.fill((byte) -1);
        memory.evict(bytes);
        moveAll(memory.touch(bytes, () -> file.read(buffer.rewind(), at)));
        block.checkAll(page);
    }

    private static void moveAll(int moved) {
        if (moved != VersionedPages.PAGE) {
            throw new LiveSoakFailure("a system call moved " + moved + " bytes of a page");
        }
    }
}
