package org.heteromem.cli.workload;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Counts the words of a text: the accelerator folds capitals and counts pieces into small hash tables, the CPU merges
 * the tables into one whenever they are full or a portion is done. Without a file the text is made of random words of
 * which few are frequent and many are rare.
 */
final class WordCount implements Workload {
    private static final int MAX_VOCABULARY_BITS = 16;

    /** Bytes of text for each word of the vocabulary, at least. */
    private static final int TEXT_BYTES_PER_WORD = 512;

    private static final int WORDS_PER_LINE = 12;

    @Override
    public String name() {
        return "wordcount";
    }

    @Override
    public String summary() {
        return "counts the words of a text: accelerator counts pieces, CPU merges their hash tables";
    }

    @Override
    public boolean wantsDevice() {
        return false;
    }

    @Override
    public FileUse fileUse() {
        return FileUse.OPTIONAL;
    }

    @Override
    public WorkloadJob prepare(WorkloadInput input) {
        return new WordCountJob(input.file()
                .map(InputFile::readAllBytes)
                .orElseGet(() -> text(input.seed(), WordCountJob.textBytesIn(input.workingSetBytes()))));
    }

    /** Random text; the probability of the word at a place falls roughly with the place, as in natural language. */
    private static byte[] text(long seed, int bytes) {
        SplittableRandom random = new SplittableRandom(seed);
        int bits =
                Math.min(MAX_VOCABULARY_BITS, Integer.SIZE - Integer.numberOfLeadingZeros(bytes / TEXT_BYTES_PER_WORD));
        byte[][] vocabulary = new byte[1 << bits][];
        for (int i = 0; i < vocabulary.length; i++) {
            int rankBits = Integer.SIZE - Integer.numberOfLeadingZeros(i);
            StringBuilder word = new StringBuilder();
            for (int letters = 1 + rankBits / 3 + random.nextInt(5); letters > 0; letters--) {
                word.append((char) ('a' + random.nextInt(26)));
            }
            vocabulary[i] = word.toString().getBytes(StandardCharsets.US_ASCII);
        }
        ByteArrayOutputStream text = new ByteArrayOutputStream(bytes + 64);
        for (int words = 1; text.size() < bytes; words++) {
            int place = random.nextInt(1 << random.nextInt(bits + 1));
            byte[] word = vocabulary[place];
            boolean first = words % WORDS_PER_LINE == 1;
            text.write(first ? word[0] - 'a' + 'A' : word[0]);
            text.write(word, 1, word.length - 1);
            text.write(words % WORDS_PER_LINE == 0 ? '\n' : ' ');
        }
        return Arrays.copyOf(text.toByteArray(), bytes);
    }
}
