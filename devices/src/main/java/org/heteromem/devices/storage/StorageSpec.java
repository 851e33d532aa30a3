package org.heteromem.devices.storage;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.heteromem.core.Page;

/**
 * A storage device as people write it.
 *
 * @param kind which store
 * @param detail what stands between kind and size; empty if nothing
 * @param bytes how many bytes it may occupy
 */
public record StorageSpec(Kind kind, String detail, long bytes) {
    /** The least size of a device in bytes. */
    public static final long MIN_BYTES = 1L << 20;
    /** The most pages that a device can have, in bytes: 1 TiB. */
    public static final long MAX_BYTES = (long) ArrivalQueue.MAX_SLOTS * Page.SIZE;

    private static final Pattern SIZE = Pattern.compile("([0-9]{1,15})([KMGT]?)(?:I?B)?");
    private static final String UNITS = "KMGT";
    private static final int UNIT_BITS = 10;

    /** The kinds of stores. */
    public enum Kind {
        /** {@link RamStore}. */
        RAM("ram:SIZE", "pages in memory as they are, for tests and slow memory"),
        /** {@link CompressedStore}. */
        COMPRESSED("compressed[:lz4|zstd]:SIZE", "pages compressed in SIZE of memory, lz4 unless said otherwise"),
        /** {@link FileStore}. */
        FILE("file:PATH:SIZE", "pages in a file on a disk, with checksums, by direct I/O where possible");

        private final String form;
        private final String summary;

        Kind(String form, String summary) {
            this.form = form;
            this.summary = summary;
        }

        /** {@return the name that people write} */
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** {@return how a device of the kind is written} */
        public String form() {
            return form;
        }

        /** {@return one line for people} */
        public String summary() {
            return summary;
        }
    }

    /**
     * Reads a device.
     *
     * @param text as one of {@link Kind#form}
     * @return the device
     * @throws IllegalArgumentException if it is none; the message names the part that is wrong, and what would be right
     */
    public static StorageSpec parse(String text) {
        int first = text.indexOf(':');
        int last = text.lastIndexOf(':');
        String label = first < 0 ? text : text.substring(0, first);
        Kind kind = Arrays.stream(Kind.values())
                .filter(k -> k.label().equals(label))
                .findFirst()
                .orElseThrow(() -> wrong(
                        text,
                        "there is no kind '" + label + "'; choose one of "
                                + Arrays.stream(Kind.values()).map(Kind::form).collect(Collectors.joining(", "))));
        if (first < 0) {
            throw wrong(text, "the size is missing: write " + kind.form());
        }
        String detail = first == last ? "" : text.substring(first + 1, last);
        return new StorageSpec(kind, check(text, kind, detail), size(text, text.substring(last + 1)));
    }

    private static String check(String text, Kind kind, String detail) {
        if (kind == Kind.COMPRESSED) {
            boolean known =
                    Arrays.stream(Compression.values()).anyMatch(c -> c.label().equals(detail));
            if (!known && !detail.isEmpty()) {
                throw wrong(text, "there is no compression '" + detail + "': write " + kind.form());
            }
        } else if (kind == Kind.FILE) {
            if (detail.isEmpty()) {
                throw wrong(text, "the path is missing: write " + kind.form());
            }
        } else if (!detail.isEmpty()) {
            throw wrong(text, "'" + detail + "' means nothing here: write " + kind.form());
        }
        return detail;
    }

    private static long size(String text, String size) {
        Matcher match = SIZE.matcher(size.toUpperCase(Locale.ROOT));
        if (!match.matches()) {
            throw wrong(
                    text,
                    "'" + size + "' is not a size: write a whole number with K, M, G or T, for example 512M, or"
                            + " without for bytes");
        }
        int shift = match.group(2).isEmpty() ? 0 : UNIT_BITS * (UNITS.indexOf(match.group(2)) + 1);
        long number = Long.parseLong(match.group(1));
        if (number > MAX_BYTES >>> shift || number << shift < MIN_BYTES) {
            throw wrong(text, "the size " + size + " is out of range: from 1M to 1T");
        }
        if ((number << shift & Page.OFFSET_MASK) != 0) {
            throw wrong(text, "the size " + size + " is not a whole number of pages of " + Page.SIZE + " bytes");
        }
        return number << shift;
    }

    private static IllegalArgumentException wrong(String text, String reason) {
        return new IllegalArgumentException("device '" + text + "': " + reason);
    }

    /**
     * {@return the device as text, with its size in bytes, from which {@link #parse} makes the same one}
     */
    public String text() {
        return kind.label() + ':' + (detail.isEmpty() ? "" : detail + ':') + bytes;
    }

    private Compression compression() {
        return detail.isEmpty() ? Compression.LZ4 : Compression.valueOf(detail.toUpperCase(Locale.ROOT));
    }

    PageStore open(String name, StoreMemory memory) {
        return open(name, memory, new StorageBuffers());
    }

    PageStore open(String name, StoreMemory memory, StorageBuffers buffers) {
        return switch (kind) {
            case RAM -> new RamStore(name, bytes, memory);
            case COMPRESSED -> new CompressedStore(name, bytes, compression(), memory, buffers);
            case FILE -> new FileStore(name, Path.of(detail), bytes, memory, buffers);
        };
    }
}
