package org.heteromem.live.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Options;

/** A {@link ZeroDaemon} in a JVM of its own. */
final class ZeroDaemonProcess implements AutoCloseable {
    private static final int PATIENCE_SECONDS = 60;

    final Process process;
    final Path directory;
    final Path socket;

    ZeroDaemonProcess(long limitBytes) throws IOException {
        directory = Files.createTempDirectory("heteromem-test");
        socket = directory.resolve("s");
        process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        ZeroDaemon.class.getName(),
                        socket.toString(),
                        Long.toString(limitBytes))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    /** Memory of it, once it listens; it serves one client only. */
    Heteromem open() throws InterruptedException {
        while (!Files.exists(socket)) {
            if (process.waitFor(10, TimeUnit.MILLISECONDS)) {
                throw new AssertionError("the daemon ended with exit code " + process.exitValue());
            }
        }
        return Heteromem.open(Options.defaults().socket(socket));
    }

    /** As by {@code kill -9}. */
    void kill() {
        process.destroyForcibly()
                .onExit()
                .orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS)
                .join();
    }

    @Override
    public void close() throws IOException {
        kill();
        for (Path file : List.of(socket, directory)) {
            Files.deleteIfExists(file);
        }
    }
}
