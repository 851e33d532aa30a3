package org.heteromem.live.keeper;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

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
     * {@return the command that starts a keeper}
     *
     * @param socket where it shall listen
     * @param owner the process that all is for, or 0
     */
    public static List<String> keeper(Path socket, int owner) {
        Module module = KeeperMain.class.getModule();
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx16m",
                "-Xss512k",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:-UsePerfData",
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
