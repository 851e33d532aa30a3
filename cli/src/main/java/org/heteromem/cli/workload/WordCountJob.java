package org.heteromem.cli.workload;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.heteromem.core.MemoryAccess;
import org.heteromem.devices.accelerator.Kernel;

/**
 * A run of {@link WordCount}. Memory holds the text, one small table for each of {@link #CHUNKS} chunks of it, how far
 * each chunk has been read, and the table of all words.
 */
final class WordCountJob implements WorkloadJob {
    /** Pieces that are counted by one party each, however many units there are. */
    private static final int CHUNKS = 16;

    private static final int MIN_CHUNK_SLOTS = 256;
    private static final int MAX_CHUNK_SLOTS = 1 << 14;

    /** Portions in which a chunk is read, at least: the tables are merged after each. */
    private static final int PORTIONS = 4;

    /** What the chunk tables and the first table of all words take beside the text, as a divisor of the working set. */
    private static final int TABLE_SHARE = 3;

    private static final int TOP = 10;

    private final byte[] input;
    private final int chunkSlots;
    private long text;
    private WordTable all = new WordTable(0, 0, 0);
    private long used;
    private Map<String, Long> expected = Map.of();

    WordCountJob(byte[] input) {
        this.input = input;
        this.chunkSlots =
                Math.clamp(Integer.highestOneBit(input.length / (128 * CHUNKS) + 1), MIN_CHUNK_SLOTS, MAX_CHUNK_SLOTS);
    }

    /** How much text fills a working set together with its tables. */
    static int textBytesIn(long workingSetBytes) {
        int bytes = (int) Math.min(workingSetBytes, Integer.MAX_VALUE / 2);
        return bytes - bytes / TABLE_SHARE;
    }

    private int firstSlots() {
        return slotsFor(0);
    }

    /** Slots with which the table of all words surely has room for what full chunk tables add to {@code words}. */
    private int slotsFor(long words) {
        int slots = CHUNKS * chunkSlots;
        while (!WordTable.hasRoom(slots, words, (long) CHUNKS * (chunkSlots - chunkSlots / 4))) {
            slots = Math.multiplyExact(slots, 2);
        }
        return slots;
    }

    @Override
    public String input() {
        return String.format(Locale.ROOT, "%,d bytes of text", input.length);
    }

    @Override
    public long workingSetBytes() {
        return input.length + (long) WordTable.SLOT_BYTES * (CHUNKS * chunkSlots + firstSlots()) + 12L * CHUNKS;
    }

    @Override
    public void run(WorkloadContext context) {
        text = context.allocate(input.length, "text");
        long tables = context.allocate((long) CHUNKS * WordTable.SLOT_BYTES * chunkSlots, "words by chunk");
        long positions = context.allocate(8L * CHUNKS, "position in each chunk");
        all = allocateTable(context, firstSlots());
        context.cpuParallel("load text", (memory, thread, threads) -> {
            Slice slice = Slice.of(input.length, thread, threads);
            memory.write(text + slice.from(), MemorySegment.ofArray(input), slice.from(), slice.to() - slice.from());
        });
        context.accelerate("fold case", new FoldCase(text, input.length));
        int portion = input.length / CHUNKS / PORTIONS + 1;
        Kernel count = new CountWords(text, input.length, tables, chunkSlots, positions, portion);
        long[] done = {0};
        while (done[0] < input.length) {
            context.accelerate("count words", count);
            context.cpu("merge tables", memory -> {
                for (int chunk = 0; chunk < CHUNKS; chunk++) {
                    WordTable table = CountWords.table(tables, chunkSlots, text, chunk);
                    used += table.addTo(memory, all);
                    table.clear(memory);
                }
                done[0] = bytesDone(memory, positions);
            });
            growIfNeeded(context);
            context.progress((double) done[0] / input.length);
        }
    }

    private WordTable allocateTable(WorkloadContext context, int slots) {
        return new WordTable(context.allocate((long) WordTable.SLOT_BYTES * slots, "words"), slots, text);
    }

    private void growIfNeeded(WorkloadContext context) {
        int slots = slotsFor(used);
        if (slots > all.slots()) {
            WordTable old = all;
            WordTable larger = allocateTable(context, slots);
            context.cpu("grow table", memory -> old.addTo(memory, larger));
            context.free(old.address());
            all = larger;
        }
    }

    private long bytesDone(MemoryAccess memory, long positions) {
        long done = 0;
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            done += memory.loadLong(positions + 8L * chunk);
        }
        return done;
    }

    /**
     * Makes all ASCII capitals of the text small, in place.
     *
     * @param text address of the text
     * @param textBytes its length
     */
    record FoldCase(long text, int textBytes) implements Kernel {
        @Override
        public void run(MemoryAccess memory, int unit, int units) {
            Slice slice = Slice.of(textBytes, unit, units);
            for (int i = slice.from(); i < slice.to(); i++) {
                byte value = memory.loadByte(text + i);
                byte lower = WordTable.lower(value);
                if (lower != value) {
                    memory.storeByte(text + i, lower);
                }
            }
        }
    }

    /**
     * Goes on counting the words of each chunk until the chunk ends, a portion is read, or the chunk's table is full. A
     * word belongs to the chunk in which it begins.
     *
     * @param text address of the text
     * @param textBytes its length
     * @param tables address of the chunks' tables, which are empty
     * @param slots slots in each
     * @param positions address of the number of bytes read of each chunk, 64 bits each
     * @param portion bytes after which to stop
     */
    record CountWords(long text, int textBytes, long tables, int slots, long positions, int portion) implements Kernel {
        static WordTable table(long tables, int slots, long text, int chunk) {
            return new WordTable(tables + (long) WordTable.SLOT_BYTES * slots * chunk, slots, text);
        }

        @Override
        public void run(MemoryAccess memory, int unit, int units) {
            Slice chunks = Slice.of(CHUNKS, unit, units);
            for (int chunk = chunks.from(); chunk < chunks.to(); chunk++) {
                Slice bytes = Slice.of(textBytes, chunk, CHUNKS);
                int from = bytes.from() + (int) memory.loadLong(positions + 8L * chunk);
                int to = (int) Math.min(bytes.to(), (long) from + portion);
                int end = count(memory, from, to, table(tables, slots, text, chunk));
                memory.storeLong(positions + 8L * chunk, Math.min(end, bytes.to()) - bytes.from());
            }
        }

        /** Counts the words that begin in a range; the index up to which it came before the table was full. */
        private int count(MemoryAccess memory, int from, int to, WordTable table) {
            int used = 0;
            int at = from;
            if (at > 0 && at < to && isWord(memory, at - 1)) {
                at = endOfWord(memory, at);
            }
            while (at < to) {
                if (!isWord(memory, at)) {
                    at++;
                    continue;
                }
                if (!WordTable.hasRoom(slots, used, 1)) {
                    return at;
                }
                int start = at;
                long hash = WordTable.emptyHash();
                byte value = memory.loadByte(text + at);
                while (WordTable.isWordByte(value)) {
                    hash = WordTable.hash(hash, value);
                    at++;
                    value = at < textBytes ? memory.loadByte(text + at) : 0;
                }
                used += table.add(memory, hash, start, at - start, 1);
            }
            return at;
        }

        private boolean isWord(MemoryAccess memory, int index) {
            return WordTable.isWordByte(memory.loadByte(text + index));
        }

        private int endOfWord(MemoryAccess memory, int index) {
            int end = index;
            while (end < textBytes && isWord(memory, end)) {
                end++;
            }
            return end;
        }
    }

    @Override
    public void runPlain() {
        Map<String, Long> counts = new HashMap<>();
        byte[] word = new byte[input.length];
        int length = 0;
        for (int i = 0; i <= input.length; i++) {
            if (i < input.length && WordTable.isWordByte(input[i])) {
                word[length++] = WordTable.lower(input[i]);
            } else if (length > 0) {
                // One char a byte keeps malformed UTF-8 apart.
                counts.merge(new String(word, 0, length, StandardCharsets.ISO_8859_1), 1L, Long::sum);
                length = 0;
            }
        }
        expected = counts;
    }

    @Override
    public void verify(MemoryAccess memory) {
        Results.require(all.slots() != 0 && (!expected.isEmpty() || used == 0));
        Map<String, Long> left = new HashMap<>(expected);
        for (int slot = 0; slot < all.slots(); slot++) {
            long entry = all.entry(slot);
            long count = memory.loadLong(entry + 16);
            if (count != 0) {
                String word = word(memory, entry);
                Long wanted = left.remove(word);
                if (wanted == null) {
                    throw new WrongResultException("word", entry, "a word that is in the text, once", word);
                }
                if (count != wanted) {
                    throw new WrongResultException("count of '" + word + "'", entry + 16, wanted, count);
                }
            }
        }
        if (!left.isEmpty()) {
            Map.Entry<String, Long> lost = left.entrySet().iterator().next();
            throw new WrongResultException(
                    "count of '" + lost.getKey() + "' in the table", all.address(), lost.getValue(), "missing");
        }
    }

    /** The word of a table entry, one char a byte. */
    private String word(MemoryAccess memory, long entry) {
        int start = memory.loadInt(entry + 8);
        int length = memory.loadInt(entry + 12);
        if (start < 0 || length < 1 || length > input.length - start) {
            throw new WrongResultException("place of a word", entry + 8, "within the text", start + "+" + length);
        }
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = memory.loadByte(text + start + i);
        }
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    @Override
    public List<String> results(MemoryAccess memory) {
        Results.require(all.slots() != 0);
        record Count(String word, long count) {}
        List<Count> counts = new ArrayList<>();
        for (int slot = 0; slot < all.slots(); slot++) {
            long count = memory.loadLong(all.entry(slot) + 16);
            if (count != 0) {
                counts.add(new Count(word(memory, all.entry(slot)), count));
            }
        }
        counts.sort(Comparator.comparingLong(Count::count).reversed().thenComparing(Count::word));
        List<String> lines = new ArrayList<>();
        lines.add(String.format(Locale.ROOT, "%,d different words", counts.size()));
        for (Count top : counts.subList(0, Math.min(TOP, counts.size()))) {
            byte[] utf8 = top.word().getBytes(StandardCharsets.ISO_8859_1);
            lines.add(String.format(Locale.ROOT, "%-28s %,d", new String(utf8, StandardCharsets.UTF_8), top.count()));
        }
        return lines;
    }
}
