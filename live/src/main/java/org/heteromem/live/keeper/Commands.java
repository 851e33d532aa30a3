package org.heteromem.live.keeper;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.natives.Memfd;

/** How to start what this process needs beside it: a keeper of the same code, and itself once more. */
public final class Commands {
    private static final Path OWN = Path.of("/proc/self/cmdline");

    private Commands() {}

    /** {@return the command by which this process was started} */
    public static List<String> ofThisProcess() {
        try {
            String line = new String(Files.readAllBytes(OWN), StandardCharsets.UTF_8);
            List<String> words = new ArrayList<>(List.of(line.split("\0", -1)));
            words.remove(words.size() - 1);
            return words;
        } catch (IOException e) {
            throw new IllegalStateException("cannot read " + OWN + ", which says how this process was started", e);
        }
    }

    /**
     * {@return memory that holds a command: a class path alone can be longer than any message}
     *
     * @param command the words of it
     */
    static Memfd write(List<String> command) {
        byte[] words = String.join("\0", command).getBytes(StandardCharsets.UTF_8);
        Memfd file = Memfd.create("heteromem-command", words.length);
        try (Arena arena = Arena.ofConfined()) {
            file.write(0, arena.allocateFrom(ValueLayout.JAVA_BYTE, words));
            return file;
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    /**
     * {@return the command that {@link #write} has written}
     *
     * @param descriptor of that memory
     */
    static List<String> read(Fd descriptor) {
        Memfd file = Memfd.adopt(descriptor, "command of a worker");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment words = arena.allocate(file.status().sizeBytes());
            file.read(0, words);
            return List.of(new String(words.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8).split("\0", -1));
        }
    }

    /**
     * {@return the command that starts a keeper}
     *
     * @param socket where it shall listen
     * @param owner the process that all is for, or 0
     */
    public static List<String> keeper(Path socket, int owner) {
        Module module = KeeperMain.class.getModule();
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                // It does next to nothing, and is there for as long as the program is.
                "-Xmx64m",
                "-Xms2m",
                "-Xmn1m",
                "-Xss512k",
                "-XX:+UseSerialGC",
                "-Xint",
                "-XX:-UsePerfData",
                "-XX:+UnlockDiagnosticVMOptions",
                "-XX:ArchiveRelocationMode=0",
                "-Xshare:auto"));
        if (module.isNamed()) {
            command.addAll(List.of(
                    "--enable-native-access=" + module.getName(),
                    "-p",
                    System.getProperty("jdk.module.path", ""),
                    "-m",
                    module.getName() + "/" + KeeperMain.class.getName()));
        } else {
            command.addAll(List.of(
                    "--enable-native-access=ALL-UNNAMED",
                    "-cp",
                    System.getProperty("java.class.path"),
                    KeeperMain.class.getName()));
        }
        command.add(socket.toString());
        command.add(Integer.toString(owner));
        return command;
    }
}
