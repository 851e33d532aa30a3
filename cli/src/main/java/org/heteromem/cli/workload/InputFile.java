package org.heteromem.cli.workload;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.heteromem.cli.BadInputException;

/** Reads files that a user named: plain or gzip, told apart by their first bytes, with errors for people. */
final class InputFile {
    private static final int GZIP_MAGIC_0 = 0x1f;
    private static final int GZIP_MAGIC_1 = 0x8b;
    private static final int BUFFER_BYTES = 1 << 16;

    private InputFile() {}

    /** Makes something of a stream of unpacked bytes. */
    @FunctionalInterface
    interface Reader<T> {
        T read(InputStream in) throws IOException;
    }

    /**
     * Opens, unpacks and reads a file.
     *
     * @throws BadInputException if it is missing, a folder, unreadable or damaged
     */
    static <T> T read(Path file, Reader<T> reader) {
        if (Files.isDirectory(file)) {
            throw new BadInputException(file + " is a folder: name a file");
        }
        try (InputStream in = unpack(Files.newInputStream(file))) {
            return reader.read(in);
        } catch (NoSuchFileException e) {
            throw new BadInputException("no such file: " + file, e);
        } catch (ZipException | EOFException e) {
            throw new BadInputException(file + ": damaged gzip data: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new BadInputException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    /** Reads a file that comes with the program. */
    static <T> T readExample(String name, Reader<T> reader) {
        String resource = "/org/heteromem/examples/" + name;
        try (InputStream raw = InputFile.class.getResourceAsStream(resource)) {
            if (raw == null) {
                throw new IllegalStateException("the program was packaged without its example " + resource);
            }
            try (InputStream in = unpack(raw)) {
                return reader.read(in);
            }
        } catch (IOException e) {
            throw new IllegalStateException("the program's example " + resource + " is damaged", e);
        }
    }

    /** The whole content of a file. */
    static byte[] readAllBytes(Path file) {
        byte[] bytes = read(file, InputStream::readAllBytes);
        if (bytes.length == 0) {
            throw new BadInputException(file + " is empty");
        }
        return bytes;
    }

    private static InputStream unpack(InputStream raw) throws IOException {
        BufferedInputStream in = new BufferedInputStream(raw, BUFFER_BYTES);
        in.mark(2);
        boolean gzip = in.read() == GZIP_MAGIC_0 && in.read() == GZIP_MAGIC_1;
        in.reset();
        return gzip ? new GZIPInputStream(in, BUFFER_BYTES) : in;
    }
}
