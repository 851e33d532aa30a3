package org.heteromem.bench.live;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A swap area in compressed memory (Linux: zram), the kernel's own answer to memory that is too small. It is the whole
 * machine's while it is there, but only what runs under a limit needs it. Wants root, {@code mkswap} and {@code swapon}.
 */
final class Swap implements AutoCloseable {
    private static final Path CONTROL = Path.of("/sys/class/zram-control");

    private final String number;
    private final Path device;

    private Swap(String number) {
        this.number = number;
        this.device = Path.of("/dev/zram" + number);
    }

    /**
     * Makes one and switches it on.
     *
     * @param bytes that may be swapped out
     * @throws FileSystemException if this system does not let that be done
     */
    static Swap on(long bytes) throws IOException {
        Swap swap = new Swap(Files.readString(CONTROL.resolve("hot_add")).strip());
        boolean on = false;
        try {
            Path settings = Path.of("/sys/block/zram" + swap.number);
            Files.writeString(settings.resolve("comp_algorithm"), "lz4");
            Files.writeString(settings.resolve("disksize"), Long.toString(bytes));
            swap.command("mkswap");
            swap.command("swapon");
            on = true;
            return swap;
        } finally {
            if (!on) {
                swap.remove();
            }
        }
    }

    private void command(String name) throws IOException {
        Process process = new ProcessBuilder(name, device.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new FileSystemException(device.toString(), null, name + ": " + output.strip());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private void remove() throws IOException {
        Files.writeString(CONTROL.resolve("hot_remove"), number);
    }

    @Override
    public void close() throws IOException {
        command("swapoff");
        remove();
    }
}
