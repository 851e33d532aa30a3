package org.heteromem.bench.live;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A swap area in compressed memory (Linux: zram), the kernel's own answer to memory that is too small. It is the whole
 * machine's while it is there, but only what runs under a limit needs it. Wants root, {@code mkswap} and {@code swapon}.
 */
final class Swap implements AutoCloseable {
    private static final Path CONTROL = Path.of("/sys/class/zram-control");

    private static final int MOST_TRIES = 50;

    private final String number;
    private final Path device;
    private boolean isThere = true;
    private boolean isOn;
    /** However this program ends, the machine does not keep it. */
    private final Thread atExit = Thread.ofPlatform().unstarted(this::giveBackAtExit);

    private Swap(String number) {
        this.number = number;
        this.device = Path.of("/dev/zram" + number);
    }

    /**
     * Makes one and switches it on, before all others that there are.
     *
     * @param bytes that may be swapped out
     * @throws FileSystemException if this system does not let that be done; says what
     */
    static Swap on(long bytes) throws FileSystemException {
        // To read the one makes a device, so whoever may not remove it must not.
        if (!Files.isWritable(CONTROL.resolve("hot_remove"))) {
            throw new FileSystemException(CONTROL.toString(), null, "no zram here, or no right to make one");
        }
        try {
            Swap swap = new Swap(Files.readString(CONTROL.resolve("hot_add")).strip());
            Runtime.getRuntime().addShutdownHook(swap.atExit);
            try {
                swap.begin(bytes);
                return swap;
            } finally {
                if (!swap.isOn) {
                    swap.close();
                }
            }
        } catch (FileSystemException e) {
            throw e;
        } catch (IOException e) {
            throw new FileSystemException(CONTROL.toString(), null, e.toString());
        }
    }

    private synchronized void begin(long bytes) throws IOException {
        Path settings = Path.of("/sys/block/zram" + number);
        Files.writeString(settings.resolve("comp_algorithm"), "lz4");
        Files.writeString(settings.resolve("disksize"), Long.toString(bytes));
        command("mkswap");
        command("swapon", "--priority", "32767");
        isOn = true;
    }

    private void command(String... command) throws IOException {
        List<String> words = new ArrayList<>(List.of(command));
        words.add(device.toString());
        Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new FileSystemException(device.toString(), null, command[0] + ": " + output.strip());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** A device is busy for a moment after it was used. */
    private void remove() throws IOException {
        for (int tries = 1; ; tries++) {
            try {
                Files.writeString(CONTROL.resolve("hot_remove"), number);
                return;
            } catch (IOException e) {
                if (tries == MOST_TRIES) {
                    throw e;
                }
                DaemonProcess.sleep(100);
            }
        }
    }

    private synchronized void giveBack() throws IOException {
        if (isOn) {
            command("swapoff");
            isOn = false;
        }
        if (isThere) {
            remove();
            isThere = false;
        }
    }

    private void giveBackAtExit() {
        try {
            giveBack();
        } catch (IOException e) {
            System.err.println("swap is left on " + device + ": " + e.getMessage());
        }
    }

    @Override
    public void close() {
        try {
            giveBack();
        } catch (IOException e) {
            throw new IllegalStateException("swap is left on " + device, e);
        }
    }
}
