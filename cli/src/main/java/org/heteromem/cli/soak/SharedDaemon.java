package org.heteromem.cli.soak;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.heteromem.cli.Heteromem;
import org.heteromem.live.daemon.Daemon;
import org.heteromem.live.daemon.JvmOptions;

/** {@code heteromem daemon} as a process, started again on the same socket when it was killed. */
final class SharedDaemon {
    private static final String RAM = "256M";
    private static final long END_SECONDS = 120;
    private static final int POLL_MILLIS = 20;

    private final Path socket;
    private final Path log;
    private final List<String> command;
    private Process process;
    private boolean killed;

    SharedDaemon(Path folder) throws IOException {
        socket = folder.resolve("d");
        log = folder.resolve("daemon.log");
        command = Java.command("-Xmx128m", "-XX:+UseSerialGC", Heteromem.class);
        command.addAll(1, JvmOptions.ALL);
        // Devices in memory are native memory, which a JVM limits to the size of its heap.
        command.add(1, "-XX:MaxDirectMemorySize=2g");
        command.addAll(List.of(
                "daemon",
                "--socket",
                socket.toString(),
                "--ram",
                RAM,
                "--client-ram",
                SoakProgram.RAM,
                "--overflow",
                "compressed:" + SoakProgram.OVERFLOW,
                "--victims",
                "refault+sampling"));
        process = start();
    }

    private Process start() throws IOException {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
    }

    Path socket() {
        return socket;
    }

    Path log() {
        return log;
    }

    long pid() {
        return process.pid();
    }

    /** Waits until it serves, and says what it has before it has clients. */
    Footprint alone() throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(END_SECONDS);
        while (!Files.exists(socket)) {
            mustServe();
            if (System.nanoTime() - deadline > 0) {
                throw new LiveSoakFailure("the daemon has not begun to listen; see " + log);
            }
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
        }
        return footprint();
    }

    /** {@return what it has of its own} */
    Footprint footprint() throws IOException {
        try {
            return Footprint.of(pid());
        } catch (IOException e) {
            mustServe();
            throw e;
        }
    }

    void kill() throws InterruptedException {
        killed = true;
        process.destroyForcibly().waitFor();
    }

    /** With its keeper, and no successor comes. */
    void killForGood() {
        process.destroyForcibly();
        Java.running(Killer.KEEPER, socket + Daemon.KEEPER_SUFFIX).forEach(ProcessHandle::destroyForcibly);
    }

    /** Starts a successor if it was killed; fails if it has ended by itself. */
    void mustServe() throws IOException {
        if (process.isAlive()) {
            return;
        }
        if (!killed) {
            throw new LiveSoakFailure("the daemon has ended with exit code " + process.exitValue() + "; see " + log);
        }
        killed = false;
        process = start();
    }

    /** Tells it to end, which it does when it has no clients. */
    void end() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
            throw new LiveSoakFailure("the daemon does not end although its clients have; see " + log);
        }
    }
}
