package org.heteromem.cli.victims;

import java.util.Arrays;
import java.util.Random;

/** Streams of page numbers as programs make them; equal arguments give equal streams. */
final class Streams {
    private Streams() {}

    /** Every page after the other, round and round. */
    static int[] loop(int pages, int length) {
        int[] stream = new int[length];
        Arrays.setAll(stream, i -> i % pages);
        return stream;
    }

    /** Independent touches; the page of rank k is touched in proportion to 1 / k^skew. */
    static int[] zipf(int pages, double skew, int length, long seed) {
        Random random = new Random(seed);
        double[] below = new double[pages];
        double sum = 0;
        for (int i = 0; i < pages; i++) {
            sum += Math.pow(i + 1, -skew);
            below[i] = sum;
        }
        double total = sum;
        int[] stream = new int[length];
        Arrays.setAll(stream, _ -> {
            int found = Arrays.binarySearch(below, random.nextDouble() * total);
            return Math.min(found < 0 ? -found - 1 : found, pages - 1);
        });
        return stream;
    }

    /** Touches of a hot set at random, amid a scan of much more. */
    static int[] scanAndHotSet(int hot, double hotShare, int scanned, int length, long seed) {
        Random random = new Random(seed);
        int[] stream = new int[length];
        int at = 0;
        for (int i = 0; i < length; i++) {
            stream[i] = random.nextDouble() < hotShare ? random.nextInt(hot) : hot + at++ % scanned;
        }
        return stream;
    }

    /** As {@link #scanAndHotSet}, but every so often all hot pages are others. */
    static int[] changingHotSet(int hot, int sets, int scanned, int length, long seed) {
        int[] stream = scanAndHotSet(hot, 0.7, scanned, length, seed);
        for (int i = 0; i < length; i++) {
            int set = (int) ((long) i * sets / length);
            stream[i] += stream[i] < hot ? set * hot : (sets - 1) * hot;
        }
        return stream;
    }

    /** Random touches in a window that slides over memory, as a stencil or a merge makes them; amid a scan, if wanted. */
    static int[] slidingWindow(int window, int touchesAPage, double scanShare, int memory, int length, long seed) {
        Random random = new Random(seed);
        int[] stream = new int[length];
        int at = 0;
        for (int i = 0; i < length; i++) {
            stream[i] = random.nextDouble() < scanShare
                    ? memory + at++ % memory
                    : (i / touchesAPage + random.nextInt(window)) % memory;
        }
        return stream;
    }

    /** One after the other, of the same pages. */
    static int[] after(int[]... parts) {
        return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
    }
}
