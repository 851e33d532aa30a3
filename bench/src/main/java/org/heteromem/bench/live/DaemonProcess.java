package org.heteromem.bench.live;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Options;
import org.heteromem.live.UnavailableException;
import org.heteromem.live.daemon.DaemonMain;
import org.heteromem.live.daemon.JvmOptions;

/**
 * A daemon on CPUs of its own choosing, with the options under which a private one runs. A private one follows this program by
 * its pid, so it ends whatever happens here; one for many is told to end when this program does.
 */
final class DaemonProcess implements AutoCloseable {
    private static final long START_SECONDS = 20;
    private static final int POLL_MILLIS = 2;

    private final Process process;
    private final Path directory;
    private boolean isForMany;

    private DaemonProcess(Process process, Path directory) {
        this.process = process;
        this.directory = directory;
    }

    /**
     * Starts one and waits until it listens.
     *
     * @param cpu where all of it runs, or below zero for anywhere
     * @param machine what it manages
     * @param jvmOptions more for its JVM
     * @param options more as {@link DaemonMain} takes them, without the socket
     */
    static DaemonProcess start(int cpu, Managed machine, List<String> jvmOptions, List<String> options)
            throws IOException {
        List<String> all = new ArrayList<>(options);
        all.addAll(List.of("--private", Long.toString(ProcessHandle.current().pid())));
        return startAny(cpu, machine, jvmOptions, all);
    }

    /**
     * What a daemon manages.
     *
     * @param ram bytes
     * @param device such as {@code ram}
     * @param deviceBytes that it occupies
     */
    record Managed(long ram, String device, long deviceBytes) {
        private String heap() {
            long slots = JvmOptions.slotBytes(device, deviceBytes);
            return "-Xmx" + (JvmOptions.heapBytes(ram, deviceBytes, slots, 0) >> 20) + "m";
        }

        private List<String> options() {
            return List.of("--ram", Long.toString(ram), "--overflow", device + ":" + deviceBytes);
        }
    }

    /** Starts one that serves one client after the other, until it is closed. */
    static DaemonProcess startForMany(Managed machine) throws IOException {
        DaemonProcess daemon = startAny(-1, machine, List.of(), List.of());
        daemon.isForMany = true;
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(daemon.process::destroy));
        return daemon;
    }

    private static DaemonProcess startAny(int cpu, Managed machine, List<String> jvmOptions, List<String> options)
            throws IOException {
        Path directory = Files.createTempDirectory("heteromem-bench");
        List<String> command = new ArrayList<>();
        if (cpu >= 0) {
            command.addAll(List.of("taskset", "-c", Integer.toString(cpu)));
        }
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(JvmOptions.ALL);
        command.addAll(List.of(machine.heap(), "-XX:MaxDirectMemorySize=8g", "--enable-native-access=ALL-UNNAMED"));
        command.addAll(jvmOptions);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), DaemonMain.class.getName()));
        command.addAll(List.of("--socket", directory.resolve("socket").toString()));
        command.addAll(machine.options());
        command.addAll(options);
        Path log = directory.resolve("log");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        DaemonProcess made = new DaemonProcess(process, directory);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        while (!Files.exists(made.socket())) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                process.destroyForcibly();
                throw new IOException("the daemon did not start: " + Files.readString(log, StandardCharsets.UTF_8));
            }
            sleep(POLL_MILLIS);
        }
        return made;
    }

    /** A client of it; between its bind and its listen nobody can connect yet. */
    Heteromem open(long ramBytes) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        for (; ; ) {
            try {
                return Heteromem.open(Options.ram(ramBytes).socket(socket()));
            } catch (UnavailableException e) {
                if (!process.isAlive() || System.nanoTime() > deadline) {
                    throw e;
                }
                sleep(POLL_MILLIS);
            }
        }
    }

    static void sleep(long millis) {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    Path socket() {
        return directory.resolve("socket");
    }

    /** {@return what it has said} */
    List<String> logLines() {
        try {
            return Files.readAllLines(directory.resolve("log"), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    long pid() {
        return process.pid();
    }

    @Override
    public void close() {
        if (isForMany) {
            process.destroy(); // a private one ends with its client
        }
        try {
            if (!process.waitFor(START_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
            try (var files = Files.walk(directory)) {
                for (Path file :
                        files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
