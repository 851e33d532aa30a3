package org.heteromem.devices.storage;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.heteromem.core.Page;

/**
 * A process that takes over a store, writes to it by two threads and is killed: {@code Victim DIRECTORY SPEC SEED}. For each
 * page it notes what it begins to write and what it has written, in memory that survives.
 */
final class Victim {
    static final int PAGES = 128;
    static final String NOTES = "notes";
    static final long NOTES_BYTES = Page.SIZE;
    private static final int THREADS = 2;
    private static final VarHandle NOTE = ValueLayout.JAVA_LONG.varHandle();

    private Victim() {}

    /** What is to be written next, by page; 0 for nothing yet. */
    static long begun(MemorySegment notes, int page) {
        return (long) NOTE.getVolatile(notes, page * 16L);
    }

    /** What was written last, by page. */
    static long written(MemorySegment notes, int page) {
        return (long) NOTE.getVolatile(notes, page * 16L + 8);
    }

    static void main(String[] arguments) throws InterruptedException {
        Path directory = Path.of(arguments[0]);
        StoreMemory memory = new MappedMemory(directory, Arena.global());
        MemorySegment notes = memory.memory(NOTES, NOTES_BYTES);
        PageStore store = StorageSpec.parse(arguments[1]).open("s", memory);
        store.recover(_ -> true);
        for (int page = 0; page < PAGES; page++) {
            // Also loads what writing needs, which takes longer than a victim lives.
            writeNoted(store, notes, page, page + 1);
        }
        Thread[] threads = new Thread[THREADS];
        for (int t = 0; t < THREADS; t++) {
            int first = t;
            SplittableRandom random = new SplittableRandom(Long.parseLong(arguments[2]) + t);
            threads[t] = Thread.ofPlatform().start(() -> {
                for (; ; ) {
                    int page = random.nextInt(PAGES / THREADS) * THREADS + first;
                    long number = 1 + random.nextLong(1 << 30);
                    if (random.nextBoolean()) {
                        NOTE.setVolatile(notes, page * 16L, number);
                        store.discard(Page.address(page), Page.SIZE);
                    }
                    writeNoted(store, notes, page, number);
                }
            });
        }
        System.out.println("ready");
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static void writeNoted(PageStore store, MemorySegment notes, int page, long number) {
        MemorySegment contents = Contents.segment(number);
        NOTE.setVolatile(notes, page * 16L, number);
        store.write(Page.address(page), contents, 0, Page.SIZE);
        NOTE.setVolatile(notes, page * 16L + 8, number);
    }
}
