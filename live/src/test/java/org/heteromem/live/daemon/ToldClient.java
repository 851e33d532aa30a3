package org.heteromem.live.daemon;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import org.heteromem.live.wire.Done;
import org.heteromem.live.wire.Failure;
import org.heteromem.live.wire.Message;
import org.heteromem.live.wire.MessageType;
import org.jspecify.annotations.Nullable;

/**
 * A client that does what it is told, line by line on its standard input, and says what came of it, a line each. Arguments:
 * socket, bytes of RAM. It says first whether it is welcome.
 *
 * <pre>
 *   memory BYTES        a region of so many bytes, not allocated
 *   allocate BYTES      from its start
 *   free BYTES          from its start
 *   write FROM TO SALT  pages that do not compress; SALT 0: that do
 *   check FROM TO SALT  the pages are as written with this salt: "right", or what is wrong, or how many touches failed
 *   zero FROM TO        the pages are zero
 *   touch FROM TO       "right", or how many touches failed
 *   evict FROM TO       pages
 *   pin FROM TO         pages
 * </pre>
 */
final class ToldClient {
    private static final int PAGE = RawClient.PAGE;

    private final RawClient client;
    private RawClient.@Nullable Region region;

    private ToldClient(RawClient client) {
        this.client = client;
    }

    public static void main(String[] arguments) throws IOException {
        RawClient client = RawClient.connect(Path.of(arguments[0]));
        System.out.println(said(client.ask(client.hello(Long.parseLong(arguments[1]), "told"))));
        ToldClient told = new ToldClient(client);
        try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String[] words = line.split(" ", -1);
                long[] numbers = new long[words.length];
                for (int i = 1; i < words.length; i++) {
                    numbers[i] = Long.parseLong(words[i]);
                }
                System.out.println(told.act(words[0], numbers));
            }
        }
    }

    private static String said(Message answer) {
        return answer instanceof Failure failure
                ? "refused: " + failure.detail()
                : answer instanceof Done done
                        ? "done " + done.value()
                        : answer.type().name().toLowerCase(Locale.ROOT);
    }

    private MemorySegment segment() {
        if (region == null) {
            throw new IllegalStateException("no memory yet");
        }
        return region.segment();
    }

    private String act(String what, long[] n) {
        return switch (what) {
            case "memory" -> {
                region = RawClient.region(n[1]);
                yield said(client.register(0, region));
            }
            case "allocate" -> said(client.range(MessageType.ALLOCATE, 0, 0, n[1]));
            case "free" -> said(client.range(MessageType.FREE, 0, 0, n[1]));
            case "pin" -> said(client.range(MessageType.PIN, 0, n[1] * PAGE, (n[2] - n[1]) * PAGE));
            case "evict" -> said(client.range(MessageType.EVICT, 0, n[1] * PAGE, (n[2] - n[1]) * PAGE));
            case "write" -> {
                for (long page = n[1]; page < n[2]; page++) {
                    write(page, n[3]);
                }
                yield "done";
            }
            case "check" -> check(n[1], n[2], n[3]);
            case "touch" -> touch(n[1], n[2]);
            case "zero" -> {
                for (long at = n[1] * PAGE; at < n[2] * PAGE; at += 8) {
                    if (segment().get(JAVA_LONG, at) != 0) {
                        yield "not zero at " + at;
                    }
                }
                yield "right";
            }
            default -> throw new IllegalArgumentException(what);
        };
    }

    private void write(long page, long salt) {
        for (int i = 0; i < PAGE / 8; i++) {
            segment().set(JAVA_LONG, page * PAGE + i * 8L, value(page, salt, i));
        }
    }

    private String touch(long from, long to) {
        int failed = 0;
        long[] found = new long[1];
        for (long page = from; page < to; page++) {
            try {
                MemorySegment.copy(segment(), JAVA_LONG, page * PAGE, found, 0, 1);
                Thread.yield();
            } catch (InternalError e) {
                failed++;
            }
        }
        return failed == 0 ? "right" : "failed touches: " + failed;
    }

    private String check(long from, long to, long salt) {
        int failed = 0;
        long[] found = new long[PAGE / 8];
        for (long page = from; page < to; page++) {
            try {
                MemorySegment.copy(segment(), JAVA_LONG, page * PAGE, found, 0, found.length);
                Thread.yield(); // the error of a failed touch may come a little after it
                for (int i = 0; i < found.length; i++) {
                    if (found[i] != value(page, salt, i)) {
                        return "page " + page + " long " + i + " is " + found[i];
                    }
                }
            } catch (InternalError e) {
                failed++;
            }
        }
        return failed == 0 ? "right" : "failed touches: " + failed;
    }

    private static long value(long page, long salt, int i) {
        long mixed = (page + 1) * 0x9E3779B97F4A7C15L;
        if (salt == 0) {
            return mixed + (i & 1);
        }
        long x = (mixed ^ salt) * (2L * i + 1);
        return (x ^ x >>> 29) * 0xBF58476D1CE4E5B9L;
    }
}
