package org.heteromem.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.heteromem.core.MemoryAccess;
import org.heteromem.devices.accelerator.Kernel;
import org.heteromem.live.Options;
import org.heteromem.live.natives.Processes;
import org.heteromem.live.natives.UnixSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code daemon}, {@code exec}, {@code status}, {@code smaps}, {@code top} and the interrupt of a live run, as processes of
 * their own where that matters; needs a machine that allows live mode, and fails elsewhere.
 */
class DaemonCommandsTest {
    private static final long PATIENCE_SECONDS = 60;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final CommandLine command =
            Heteromem.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    private final List<Process> processes = new ArrayList<>();

    @TempDir
    private Path folder;

    @AfterEach
    void endAll() throws InterruptedException {
        for (Process process : processes) {
            process.destroyForcibly().waitFor();
        }
    }

    /** A client of a daemon: touches eight times its RAM, and stays until it is told to go on. */
    public static final class Client {
        private Client() {}

        /** With an argument runs a kernel; prints {@code ready}, waits for a line, checks what it wrote, prints {@code right}. */
        public static void main(String... args) throws IOException {
            try (org.heteromem.live.Heteromem memory =
                            org.heteromem.live.Heteromem.open(Options.ram("2M").name("the client"));
                    Arena arena = memory.arena()) {
                MemorySegment longs = arena.allocate(16L << 20, 8);
                for (long i = 0; i < longs.byteSize() / 8; i++) {
                    longs.setAtIndex(ValueLayout.JAVA_LONG, i, i * i);
                }
                MemorySegment marks = arena.allocate(16384, 4096);
                if (args.length > 0) {
                    memory.launch(Mark.class.getName(), marks, 2048);
                }
                System.out.println("ready");
                System.in.read();
                for (long i = 0; i < longs.byteSize() / 8; i++) {
                    if (longs.getAtIndex(ValueLayout.JAVA_LONG, i) != i * i) {
                        System.out.println("wrong at " + i);
                        System.exit(3);
                    }
                }
                for (long i = 0; args.length > 0 && i < 2048; i++) {
                    if (marks.getAtIndex(ValueLayout.JAVA_LONG, i) != i + 1) {
                        System.out.println("wrong mark " + i);
                        System.exit(3);
                    }
                }
                System.out.println("right");
            }
        }
    }

    /** A kernel that numbers words. */
    public record Mark(long words, int count) implements Kernel {
        @Override
        public void run(MemoryAccess memory, int unit, int units) {
            for (int i = unit; i < count; i += units) {
                memory.storeLong(words + 8L * i, i + 1);
            }
        }
    }

    private static List<String> java(String main, String... args) {
        List<String> words = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                main));
        words.addAll(List.of(args));
        return words;
    }

    private Process start(List<String> words, Path output, Path socket) throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().put(Options.SOCKET_VARIABLE, socket.toString());
        Process process = builder.start();
        processes.add(process);
        return process;
    }

    private static void awaitWord(Path file, String word) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!Files.exists(file) || !Files.readString(file).contains(word)) {
            assertThat(System.nanoTime())
                    .as("time until '" + word + "' in " + (Files.exists(file) ? Files.readString(file) : "no output"))
                    .isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }

    private static int end(Process process) throws InterruptedException {
        assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS))
                .as("ends in time")
                .isTrue();
        return process.exitValue();
    }

    @Test
    void daemonServesIsLookedAtAndEndsOnceItsClientHasLeft() throws IOException, InterruptedException {
        Path socket = folder.resolve("d.sock");
        Path words = folder.resolve("daemon.txt");
        Path config = Files.writeString(folder.resolve("heteromem.toml"), """
                        # a small one
                        ram = "64M"
                        overflow = ["ram:1M", "compressed:64M"]
                        metrics = 0
                        victims = "2q"
                        device = "accelerator:1M"
                        kernels = ["%s"]
                        """.formatted(classes()));
        Process daemon = start(
                java(Heteromem.class.getName(), "daemon", "--config", config.toString(), "--socket", socket.toString()),
                words,
                socket);
        awaitWord(words, "metrics at");
        Path said = folder.resolve("client.txt");
        Process client = start(java(Client.class.getName(), "kernel"), said, socket);
        awaitWord(said, "ready");

        assertThat(run("status --json --socket " + socket)).isZero();
        JsonNode status = JsonMapper.shared().readTree(out.toString()).get("subjects");
        assertThat(status.get(0).get("pid").asLong()).isEqualTo(daemon.pid());
        assertThat(status.get(1).get("name").asString()).isEqualTo("the client");
        assertThat(status.get(1).get("counters").get("bytes.out").asLong()).isGreaterThanOrEqualTo(14L << 20);

        assertThat(run("smaps " + client.pid() + " --socket " + socket)).isZero();
        assertThat(out.toString())
                .contains("rw-s region", "ram:", "slow-ram:", "compressed:", "absent:")
                .containsPattern("accelerator: +[1-9][0-9]* kB");

        assertThat(run("top --interval 0.2 --socket " + socket)).isZero();
        assertThat(out.toString()).contains("1 client", "the client", "FAULTS/s", Long.toString(client.pid()));

        assertThat(run("smaps 1 --socket " + socket)).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .contains("process 1 has no memory here", Long.toString(client.pid()));

        String address = Files.readString(words)
                .lines()
                .filter(line -> line.contains("metrics at"))
                .findFirst()
                .orElseThrow()
                .replaceAll(".*metrics at ", "");
        String metrics = get(address).body();
        assertThat(metrics)
                .contains("# TYPE heteromem_client_faults_total counter\n", "heteromem_daemon_clients 1\n")
                .containsPattern("heteromem_client_out_bytes_total\\{client=\"1\",pid=\"" + client.pid()
                        + "\",program=\"the client\"} [1-9][0-9]+\n")
                .contains("device=\"compressed\"} ")
                .contains("# TYPE heteromem_client_kernels_running gauge\n")
                .contains("# TYPE heteromem_client_ram_used_bytes gauge\n")
                .contains("# TYPE heteromem_client_pages_accessed_total counter\n")
                .contains("# TYPE heteromem_device_uncopied_bytes_total counter\n")
                .containsPattern(
                        "heteromem_client_kernels_total\\{client=\"1\",pid=\"[0-9]+\",program=\"the client\"} 1\n")
                .containsPattern("heteromem_device_held_bytes\\{[^}]*device=\"accelerator\"} [1-9][0-9]+\n")
                .containsPattern("heteromem_device_in_bytes_total\\{[^}]*device=\"accelerator\"} [0-9]+\n");
        assertThat(get(address.replace("/metrics", "/other")).statusCode()).isEqualTo(404);

        assertThat(run("daemon --socket " + socket)).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .contains("cannot listen at " + socket, "daemon " + daemon.pid() + " serves here already");

        daemon.destroy();
        awaitWord(words, "waiting for 1 to leave");
        client.outputWriter().append('\n').close();
        assertThat(end(client)).as(Files.readString(said)).isZero();
        assertThat(Files.readString(said)).contains("right");
        assertThat(end(daemon)).isEqualTo(143);
        assertThat(socket).doesNotExist();
    }

    private static Path classes() {
        try {
            return Path.of(Mark.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    private static HttpResponse<String> get(String address) throws IOException, InterruptedException {
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(HttpRequest.newBuilder(URI.create(address)).build(), HttpResponse.BodyHandlers.ofString());
        }
    }

    @Test
    void aKilledDaemonsSocketIsTakenOver() throws IOException, InterruptedException {
        Path socket = folder.resolve("d.sock");
        for (int i = 0; i < 3; i++) {
            Path words = folder.resolve("daemon" + i);
            Process daemon = start(
                    java(Heteromem.class.getName(), "daemon", "--ram", "16M", "--socket", socket.toString()),
                    words,
                    socket);
            awaitWord(words, "listens at");
            assertThat(run("status --socket " + socket)).isZero();
            if (i < 2) {
                daemon.destroyForcibly();
                assertThat(end(daemon)).isEqualTo(137);
                assertThat(socket).exists();
            } else {
                daemon.destroy();
                assertThat(end(daemon)).isEqualTo(143);
                assertThat(socket).doesNotExist();
            }
        }
    }

    @Test
    void execGivesTheProgramItsDaemonAndTheCallerItsExitCode() throws IOException, InterruptedException {
        Path said = folder.resolve("said");
        Path log = folder.resolve("log");
        List<String> words = java(Heteromem.class.getName(), "exec", "--ram", "2M", "--overflow", "ram:32M");
        words.addAll(List.of("--log", log.toString(), "--"));
        words.addAll(java(Client.class.getName()));
        Process exec = start(words, said, Path.of(""));
        exec.outputWriter().append('\n').close();
        assertThat(end(exec)).as(Files.readString(said)).isZero();
        assertThat(Files.readString(said)).contains("right");
        assertThat(Files.readString(log)).contains("the client", "has left", "has ended");
    }

    /** Nobody has to look for the socket of a program that has a daemon to itself. */
    @Test
    void theDaemonOfAProgramIsFound() throws IOException, InterruptedException {
        Path said = folder.resolve("said");
        List<String> words = java(Heteromem.class.getName(), "exec", "--ram", "2M", "--overflow", "ram:32M", "--");
        words.addAll(java(Client.class.getName()));
        Process exec = startAtHome(words, said);
        awaitWord(said, "ready");
        long client = exec.children()
                .filter(child -> commandLine(child).contains(Client.class.getName()))
                .findFirst()
                .orElseThrow()
                .pid();
        assertThat(looked("smaps", Long.toString(client))).contains("ram:", "slow-ram:");
        assertThat(looked("status")).contains("the client (pid " + client + ")");
        // Another one: now status cannot know which is meant, and smaps can.
        Path other = folder.resolve("other");
        Process second = startAtHome(words, other);
        awaitWord(other, "ready");
        assertThat(looked("smaps", Long.toString(client))).contains("slow-ram:");
        assertThat(looked("status")).contains("choose with --socket", "private-" + exec.pid() + "-");
        for (Process one : List.of(exec, second)) {
            one.outputWriter().append('\n').close();
            assertThat(end(one)).as(Files.readString(said)).isZero();
        }
        assertThat(looked("status")).contains("there is no daemon");
        try (Stream<Path> left = Files.list(folder.resolve("heteromem"))) {
            assertThat(left).isEmpty();
        }
    }

    /** Its memory is not that of exec: whichever of the three processes around it is killed, the program goes on. */
    @ParameterizedTest
    @ValueSource(strings = {"daemon", "keeper", "exec"})
    void aProgramOfExecOutlivesWhoeverServesIt(String killed) throws IOException, InterruptedException {
        Path said = folder.resolve("said");
        List<String> words = java(Heteromem.class.getName(), "exec", "--ram", "2M", "--overflow", "ram:32M", "--");
        words.addAll(java(Client.class.getName()));
        // Not a pipe of its own: Java closes that when exec has ended.
        Path input = folder.resolve("input");
        new ProcessBuilder("mkfifo", input.toString()).start().waitFor();
        try (RandomAccessFile line = new RandomAccessFile(input.toFile(), "rw")) {
            outlives(words, said, input, line, killed);
        }
    }

    private void outlives(List<String> words, Path said, Path input, RandomAccessFile line, String killed)
            throws IOException, InterruptedException {
        Process exec = startAtHome(words, said, ProcessBuilder.Redirect.from(input.toFile()));
        awaitWord(said, "ready");
        ProcessHandle program = exec.children()
                .filter(child -> commandLine(child).contains(Client.class.getName()))
                .findFirst()
                .orElseThrow();
        ProcessHandle victim = killed.equals("exec")
                ? exec.toHandle()
                : ProcessHandle.allProcesses()
                        .filter(process -> commandLine(process).contains("private-" + exec.pid() + "-"))
                        .filter(process -> commandLine(process).contains("KeeperMain") == killed.equals("keeper"))
                        .findFirst()
                        .orElseThrow();
        victim.destroyForcibly();
        victim.onExit().join();
        line.write('\n');
        program.onExit().join();
        assertThat(Files.readString(said)).contains("right");
        if (!killed.equals("exec")) {
            assertThat(end(exec)).isZero();
        }
        for (int tries = 0; servedBy(exec); tries++) {
            assertThat(tries).as("nobody serves a program that has ended").isLessThan(1000);
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }

    private static boolean servedBy(Process exec) {
        return ProcessHandle.allProcesses()
                .anyMatch(process -> commandLine(process).contains("private-" + exec.pid() + "-"));
    }

    private static String commandLine(ProcessHandle process) {
        try {
            return Files.readString(Path.of("/proc/" + process.pid() + "/cmdline"), StandardCharsets.ISO_8859_1);
        } catch (IOException _) {
            // It has just ended.
            return "";
        }
    }

    private Process startAtHome(List<String> words, Path output) throws IOException {
        return startAtHome(words, output, ProcessBuilder.Redirect.PIPE);
    }

    private Process startAtHome(List<String> words, Path output, ProcessBuilder.Redirect input) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(words)
                .redirectInput(input)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().remove(Options.SOCKET_VARIABLE);
        builder.environment().put("XDG_RUNTIME_DIR", folder.toString());
        Process process = builder.start();
        processes.add(process);
        return process;
    }

    private String looked(String... command) throws IOException, InterruptedException {
        Path seen = folder.resolve("seen");
        startAtHome(java(Heteromem.class.getName(), command), seen).waitFor();
        return Files.readString(seen);
    }

    @ParameterizedTest
    @ValueSource(strings = {"daemon", "exec -- true", "status", "status --socket /tmp/none", "top", "smaps 1"})
    void anotherSystemIsToldWhatIsMissing(String command) throws IOException, InterruptedException {
        List<String> words = java(Heteromem.class.getName(), command.split(" ", -1));
        words.add(1, "-Dos.name=Mac OS X");
        Path said = folder.resolve("said");
        assertThat(end(startAtHome(words, said))).isEqualTo(ExitCode.FAILED);
        assertThat(said)
                .content()
                .contains("live mode does not work here")
                .contains("Mac OS X")
                .contains("needs Linux")
                .doesNotContain("\tat ");
    }

    @ParameterizedTest
    @CsvSource({"exit 7, 7", "kill -9 $$, 137"})
    void execPassesTheExitCodeOn(String script, int code) throws IOException, InterruptedException {
        assertThat(end(start(
                        java(Heteromem.class.getName(), "exec", "--", "sh", "-c", script),
                        folder.resolve("said"),
                        Path.of(""))))
                .isEqualTo(code);
    }

    @Test
    void execTellsTheProgramToEndAndWaitsForIt() throws IOException, InterruptedException {
        Path said = folder.resolve("said");
        Process exec = start(
                java(
                        Heteromem.class.getName(),
                        "exec",
                        "--",
                        "sh",
                        "-c",
                        "trap 'echo told; exit 9' TERM; echo begun; sleep 60 & wait"),
                said,
                Path.of(""));
        awaitWord(said, "begun");
        exec.destroy();
        assertThat(end(exec)).isEqualTo(9);
        assertThat(Files.readString(said)).contains("told");
    }

    @Test
    void execOfNothingIsOneLine() {
        assertThat(run("exec --ram 16M -- no-such-program")).isEqualTo(127);
        assertThat(err.toString().lines()).singleElement().asString().contains("cannot start 'no-such-program'");
    }

    @Test
    void interruptedRunEndsWith130AndLeavesNoDaemon() throws IOException, InterruptedException {
        Path said = folder.resolve("said");
        // A build in the background hands an ignored SIGINT down to all its children.
        List<String> words = new ArrayList<>(List.of("env", "--default-signal=INT"));
        words.addAll(java(Heteromem.class.getName(), "run", "pagerank", "--size", "256M", "--mode", "live"));
        Process run = start(words, said, Path.of(""));
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (run.descendants().findAny().isEmpty()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(20);
        }
        TimeUnit.SECONDS.sleep(2); // into the faults
        List<ProcessHandle> daemons = run.descendants().toList();
        assertThat(daemons).isNotEmpty();
        new ProcessBuilder("kill", "-INT", Long.toString(run.pid())).start().waitFor();
        assertThat(end(run)).isEqualTo(130);
        assertThat(Files.readString(said)).contains("heteromem: interrupted");
        for (ProcessHandle daemon : daemons) {
            daemon.onExit().orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "daemon --ram lots                   | 'lots' is not a size | --ram",
                "daemon --ram 4K                     | 4K is out of range | --ram",
                "daemon --ram 8M --client-ram 16M    | --client-ram | 16M is more than",
                "daemon --overflow tape:1G           | there is no kind 'tape' | --overflow",
                "daemon --overflow ram               | the size is missing | --overflow",
                "daemon --on-loss cry                | 'cry' | kill nor throw",
                "daemon --metrics 70000              | 70000 is out of range | --metrics",
                "daemon --config no-such.toml        | no such file | no-such.toml",
                "daemon --socket /etc/passwd         | /etc/passwd | no socket",
                "daemon --victims luck               | unknown victim policy 'luck' | refault",
                "daemon --device gpu:1G              | --device | accelerator:256M",
                "daemon --device accelerator:1       | from 64K to 1T | --device",
                "daemon --kernels no-such.jar        | no-such.jar | --kernels",
                "exec --ram lots -- true             | 'lots' is not a size | --ram",
                "exec --ram 16M                      | COMMAND | exec --help",
                "smaps                               | PID | smaps --help",
                "smaps -- -1                         | -1 is no process id | PID",
                "top --interval 0                    | 0.0 seconds | --interval",
            })
    void badInputIsOneLine(String line, String first, String second) {
        assertThat(run(line)).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString().lines()).singleElement().asString().contains(first, second);
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void aSocketPathIsNotLongerThanLinuxAllows() {
        String path = folder.resolve("x".repeat(120)).toString();
        assertThat(run("daemon --socket " + path)).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString().lines()).singleElement().asString().contains("at most 100", path);
    }

    /** Whoever owns one of them could take the daemon's place, or its keeper's. */
    @ParameterizedTest
    @ValueSource(strings = {"", "s", "s.keeper"})
    void aSocketOrAFolderOfSomebodyElseIsRefused(String whose) throws IOException {
        assumeTrue(Processes.effectiveUserId() == 0, "not run: only root can give a file away");
        Path socket = folder.resolve("s");
        Path theirs = whose.isEmpty() ? folder : folder.resolve(whose);
        if (!whose.isEmpty()) {
            UnixSocket.listen(theirs, 1).close();
        }
        Files.setAttribute(theirs, "unix:uid", 65_534);
        assertThat(run("daemon --ram 8M --socket " + socket)).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .contains(theirs + " belongs to user id 65534", "--socket");
        assertThat(out.toString()).isEmpty();
        Files.setAttribute(theirs, "unix:uid", 0);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "ram = \"1G\"\\nrum = 3    | :2: unknown key 'rum' | overflow",
                "ram = [                   | heteromem.toml | end of file",
                "metrics = \"many\"        | :1: 'metrics' | many",
                "ram = \"lots\"            | 'lots' is not a size | ram",
            })
    void badConfigurationNamesTheLine(String text, String first, String second) throws IOException {
        Path config =
                Files.writeString(folder.resolve("heteromem.toml"), text.strip().replace("\\n", "\n"));
        assertThat(run("daemon --config " + config)).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .containsIgnoringCase(first)
                .containsIgnoringCase(second);
    }

    @ParameterizedTest
    @ValueSource(strings = {"status", "smaps 7", "top"})
    void lookingAtNoDaemonIsOneLine(String line) {
        assertThat(run(line + " --socket " + folder.resolve("none"))).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .contains("no daemon at " + folder.resolve("none"), "heteromem daemon");
    }

    private int run(String line) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Heteromem.run(command, line.trim().split(" +"));
    }
}
