package org.heteromem.bench.live;

import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Looks into a daemon's JVM as {@code jcmd} does, without starting another JVM for each look. Needs {@code --add-exports
 * jdk.attach/sun.tools.attach=ALL-UNNAMED}.
 */
final class DaemonJvm implements AutoCloseable {
    private static final Pattern YOUNG_USED = Pattern.compile("DefNew .* used (\\d+)K");
    private static final int KIB = 1024;

    private final VirtualMachine machine;

    DaemonJvm(long pid) {
        try {
            machine = VirtualMachine.attach(Long.toString(pid));
        } catch (AttachNotSupportedException | IOException e) {
            throw new IllegalStateException("cannot look into the JVM of process " + pid + ": " + e.getMessage(), e);
        }
    }

    /** Collects all garbage. */
    void collect() {
        command("GC.run");
    }

    /** Bytes in use in the young generation. */
    long youngBytes() {
        String answer = command("GC.heap_info");
        Matcher match = YOUNG_USED.matcher(answer);
        if (!match.find()) {
            throw new IllegalStateException("no young generation of the serial collector in: " + answer);
        }
        return Long.parseLong(match.group(1)) * KIB;
    }

    private String command(String command) {
        try (InputStream answer = (InputStream)
                machine.getClass().getMethod("executeJCmd", String.class).invoke(machine, command)) {
            return new String(answer.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException | ReflectiveOperationException e) {
            Throwable why = e instanceof InvocationTargetException wrapped ? wrapped.getCause() : e;
            throw new IllegalStateException("jcmd " + command + " failed: " + why, e);
        }
    }

    @Override
    public void close() {
        try {
            machine.detach();
        } catch (IOException e) {
            throw new IllegalStateException("cannot detach", e);
        }
    }

    /**
     * {@return bytes of RAM that processes have for themselves, each shared page in parts, and for their page tables, without the
     *     contents of devices}
     *
     * @param marker what their command lines hold
     */
    static long ownBytes(String marker) {
        long sum = 0;
        for (ProcessHandle process : ProcessHandle.allProcesses().toList()) {
            Path command = Path.of("/proc", Long.toString(process.pid()), "cmdline");
            try {
                if (process.pid() != ProcessHandle.current().pid()
                        && Files.readString(command, StandardCharsets.ISO_8859_1)
                                .contains(marker)) {
                    sum += ownBytes(process.pid());
                }
            } catch (IOException e) {
                // Another process that has ended meanwhile.
                if (process.isAlive()) {
                    throw new UncheckedIOException(e);
                }
            }
        }
        return sum;
    }

    private static long ownBytes(long pid) throws IOException {
        List<String> lines =
                Files.readAllLines(Path.of("/proc", Long.toString(pid), "smaps"), StandardCharsets.ISO_8859_1);
        long kibibytes = 0;
        boolean contents = false;
        for (String line : lines) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                contents = line.matches(".*memfd:heteromem-[^ ]*\\.(pages|slabs|slots)[0-9]* .*");
            } else if (line.startsWith("Pss:") && !contents) {
                kibibytes += number(line);
            }
        }
        for (String line :
                Files.readAllLines(Path.of("/proc", Long.toString(pid), "status"), StandardCharsets.ISO_8859_1)) {
            if (line.startsWith("VmPTE:")) {
                kibibytes += number(line);
            }
        }
        return kibibytes * KIB;
    }

    private static long number(String line) {
        return Long.parseLong(line.replaceAll("[^0-9]", ""));
    }

    static String mebibytes(long bytes) {
        return String.format(Locale.ROOT, "%.0f MiB", bytes / (double) (1 << 20));
    }
}
