package org.heteromem.live.client;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.heteromem.live.Options;
import org.heteromem.live.UnavailableException;
import org.heteromem.live.daemon.Daemon;
import org.heteromem.live.daemon.JvmOptions;
import org.heteromem.live.doctor.Doctor;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.UnixSocket;
import org.heteromem.live.wire.Wire;
import org.jspecify.annotations.Nullable;

/**
 * A daemon for one program alone: a JVM of its own, started by it and gone with it.
 *
 * <p>It follows the program by its pidfd, so it ends however the program ends; what {@link #close} adds is that it is gone
 * when that returns. All that it prints goes to a file beside its socket.
 */
public final class PrivateDaemon implements AutoCloseable {
    /** A JVM starts in well under a second; a machine that is short of memory or processors can take long. */
    private static final long START_SECONDS = 30;

    private static final long END_SECONDS = 10;
    private static final int POLL_MILLIS = 2;

    /** If nothing is said, it gets this part of the memory that programs here may use. */
    private static final int DEFAULT_RAM_PART = 4;

    /** Native memory of the daemon beside its devices in memory. */
    private static final long NATIVE_BYTES = 1L << 30;

    private static final String FILE = "file:";

    /** Words of a daemon that has died, at most. */
    private static final int LAST_LINES = 12;

    /** What would make the daemon's JVM do what was meant for the program's: agents, debuggers, heap sizes. */
    private static final List<String> NOT_FOR_IT = List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS");

    private final Process process;
    private final Path directory;

    private PrivateDaemon(Process process, Path directory) {
        this.process = process;
        this.directory = directory;
    }

    /**
     * Starts one; {@link #connect} waits until it answers.
     *
     * @throws UnavailableException if it cannot be started
     */
    public static PrivateDaemon start(Options options, Sockets sockets) {
        return start(options, sockets, ProcessHandle.current().pid(), null);
    }

    /**
     * Starts one that ends with a process, once its last client has left.
     *
     * @param owner the process
     * @param words where what it says goes; null for a file beside its socket
     * @throws UnavailableException if it cannot be started
     */
    public static PrivateDaemon start(Options options, Sockets sockets, long owner, @Nullable Path words) {
        DaemonCode code = DaemonCode.ofThisProgram();
        Path directory = sockets.newPrivateDirectory();
        ProcessBuilder builder = new ProcessBuilder(command(options, code, Sockets.socketIn(directory), owner));
        NOT_FOR_IT.forEach(builder.environment()::remove);
        builder.directory(directory.toFile());
        builder.redirectInput(new File("/dev/null"));
        builder.redirectErrorStream(true).redirectOutput((words == null ? Sockets.logIn(directory) : words).toFile());
        try {
            return new PrivateDaemon(builder.start(), directory);
        } catch (IOException e) {
            UnavailableException failure = new UnavailableException(
                    "cannot start a private daemon: " + e.getMessage() + "; is there a java command in "
                            + System.getProperty("java.home") + "?",
                    e);
            deleteDirectory(directory, failure);
            throw failure;
        }
    }

    /** The command line. */
    static List<String> command(Options options, DaemonCode code, Path socket, long owner) {
        long ram = options.ramBytes().orElseGet(() -> Doctor.memoryBytes() / DEFAULT_RAM_PART & -Wire.PAGE_BYTES);
        long overflow = 0;
        long slots = 0;
        for (Options.Overflow device : options.overflow()) {
            overflow += device.bytes();
            slots += JvmOptions.slotBytes(device.device(), device.bytes());
        }
        long accelerator = options.acceleratorBytes().orElse(0);
        long heap = JvmOptions.heapBytes(ram, overflow, slots, accelerator);
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(JvmOptions.ALL);
        command.addAll(List.of(
                "-Xmx" + (heap >> 20) + "m",
                "-Xshare:auto",
                // What libraries unpack there goes with the directory, however the daemon ends.
                "-Djava.io.tmpdir=" + socket.getParent(),
                // Devices in memory are native memory, which a JVM limits to the size of its heap.
                "-XX:MaxDirectMemorySize=" + (ram + overflow + accelerator + NATIVE_BYTES >> 20) + "m"));
        command.addAll(code.arguments());
        command.addAll(List.of(
                "--socket",
                socket.toString(),
                owner == ProcessHandle.current().pid() ? "--private" : "--after",
                Long.toString(owner),
                "--ram",
                Long.toString(ram)));
        options.overflow().forEach(o -> command.addAll(List.of("--overflow", absolute(o.device()) + ":" + o.bytes())));
        options.acceleratorBytes().ifPresent(bytes -> command.addAll(List.of("--device", "accelerator:" + bytes)));
        options.victims().ifPresent(name -> command.addAll(List.of("--victims", name)));
        options.onLoss()
                .ifPresent(choice ->
                        command.addAll(List.of("--on-loss", choice.name().toLowerCase(Locale.ROOT))));
        if (!options.kernels().isEmpty()) {
            command.addAll(List.of(
                    "--kernels",
                    options.kernels().stream()
                            .map(path -> path.toAbsolutePath().toString())
                            .collect(Collectors.joining(File.pathSeparator))));
        }
        return command;
    }

    /** It works in its own directory, and a relative path is meant from where the program does. */
    private static String absolute(String device) {
        return device.startsWith(FILE) && device.length() > FILE.length()
                ? FILE + Path.of(device.substring(FILE.length())).toAbsolutePath()
                : device;
    }

    /** Where it listens. */
    public Path socket() {
        return Sockets.socketIn(directory);
    }

    /**
     * Waits until it listens, and connects.
     *
     * @throws UnavailableException if it ends before, with its own words, or takes too long; it is gone then
     */
    public UnixSocket connect() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        while (true) {
            try {
                if (Files.exists(socket())) {
                    return UnixSocket.connect(socket());
                }
            } catch (NativeException e) {
                // Between its bind and its listen, or its death.
                if (e.errno() != Errno.ECONNREFUSED && e.errno() != Errno.ENOENT) {
                    throw failed("the private daemon cannot be reached: " + e.getMessage());
                }
            }
            try {
                if (process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
                    throw failed(
                            "the private daemon ended with exit code " + process.exitValue() + " instead of starting");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw failed("interrupted while the private daemon started");
            }
            if (System.nanoTime() - deadline > 0) {
                throw failed("the private daemon has not started within " + START_SECONDS + " seconds");
            }
        }
    }

    private UnavailableException failed(String how) {
        String words;
        try {
            List<String> lines = Files.readString(Sockets.logIn(directory), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
            words = String.join("\n", lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size()));
        } catch (IOException e) {
            words = "(its log cannot be read: " + e.getMessage() + ")";
        }
        UnavailableException failure =
                new UnavailableException(how + (words.isBlank() ? "; it said nothing" : ":\n" + words));
        process.destroyForcibly();
        deleteDirectory(directory, failure);
        return failure;
    }

    private static void deleteDirectory(Path directory, Exception reason) {
        try {
            Sockets.delete(directory);
        } catch (IOException e) {
            reason.addSuppressed(e);
        }
    }

    /** {@return what it has said so far about lost pages, if it says it to the file beside its socket} */
    public List<String> losses() {
        Path log = Sockets.logIn(directory);
        try (Stream<String> lines = Files.lines(log, StandardCharsets.ISO_8859_1)) {
            return lines.filter(line -> line.contains(Daemon.LOST)).toList();
        } catch (NoSuchFileException _) {
            return List.of();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + log, e);
        }
    }

    /** Waits for a while until it has ended; returns whether it has. If so, nothing of it is left. */
    public boolean awaitEnd() {
        try {
            if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
                return false;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
        close();
        return true;
    }

    /**
     * Waits until it has ended, which it does when its only client disconnects, and makes it end if it does not. Leaves
     * nothing behind, except the log of one that had to be killed, or whose program has lost pages ({@link Sockets}).
     */
    @Override
    public void close() {
        boolean ended = false;
        try {
            ended = process.waitFor(END_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!ended) {
            process.destroyForcibly();
            return;
        }
        // A successor of a daemon that was killed is nobody's child: its socket goes when it does.
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(END_SECONDS);
        for (; ; ) {
            boolean late = System.nanoTime() - deadline > 0;
            try {
                if (late && Sockets.isServed(directory)) {
                    // By a successor, whose clients have not left yet.
                    return;
                }
                if (late || !Files.exists(socket())) {
                    Sockets.remove(directory);
                    return;
                }
            } catch (IOException | UncheckedIOException e) {
                if (late) {
                    throw new IllegalStateException(
                            "cannot delete " + directory + ", which the private daemon used: " + e, e);
                }
            }
            try {
                TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    @Override
    public String toString() {
        return "private daemon " + process.pid() + " at " + socket();
    }
}
