package org.heteromem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.heteromem.cli.command.RunCommand;
import org.heteromem.cli.run.Sizes;
import org.heteromem.cli.workload.Workload;
import org.heteromem.cli.workload.Workloads;
import org.heteromem.live.doctor.Diagnosis;
import org.heteromem.live.doctor.Finding;
import org.heteromem.live.doctor.Tier;
import org.heteromem.live.doctor.Verdict;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code heteromem run} on the memory of this very process; needs a machine that allows live mode, and fails elsewhere. */
class LiveRunTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final CommandLine command =
            Heteromem.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));

    @TempDir
    private Path folder;

    static Object[] names() {
        return Workloads.all().stream().map(Workload::name).toArray();
    }

    @ParameterizedTest
    @MethodSource("names")
    void everyWorkloadIsRightWithHalfOfItsDataInRam(String workload) {
        JsonNode result = json("run " + workload + " --size 12M --json");
        assertThat(result.get("mode").asString()).isEqualTo("live");
        assertThat(result.get("workload").asString()).isEqualTo(workload);
        assertThat(result.get("verified").asBoolean()).isTrue();
        boolean onDevice = !List.of("hashjoin", "wordcount").contains(workload);
        assertThat(result.at("/machine/devicePhases").asString())
                .isEqualTo(
                        onDevice
                                ? "accelerator:"
                                        + (result.at("/machine/ramBytes").asLong() + (1 << 20) - 1 >> 20) + "M"
                                : "CPU");
        assertThat(result.get("kernels").asLong() > 0)
                .as("kernels in the daemon")
                .isEqualTo(onDevice);
        assertThat(moved(result, "ram", "accelerator") > 0)
                .as("pages went to the device")
                .isEqualTo(onDevice);
        assertThat(moved(result, "accelerator", "ram") > 0)
                .as("pages came home from the device")
                .isEqualTo(onDevice);
        assertThat(result.get("workingSetBytes").asLong())
                .isGreaterThanOrEqualTo(result.at("/machine/ramBytes").asLong() * 2);
        assertThat(result.at("/evictions/pages").asLong()).as("evicted pages").isPositive();
        assertThat(result.get("faults").asLong()).as("faults").isPositive();
        long resident = 0;
        for (JsonNode pages : result.get("residentPages")) {
            resident += pages.asLong();
        }
        assertThat(resident * 4096)
                .as("what is in memory at the end")
                .isGreaterThanOrEqualTo(result.get("workingSetBytes").asLong() * 9 / 10);
        assertThat(result.at("/residentPages/ram").asLong() * 4096)
                .as("what is in RAM at the end")
                .isLessThanOrEqualTo(result.at("/machine/ramBytes").asLong());
        assertThat(ProcessHandle.current().children())
                .as("processes left behind")
                .isEmpty();
    }

    private static long moved(JsonNode result, String from, String to) {
        for (JsonNode one : result.get("moved")) {
            if (one.get("from").asString().equals(from)
                    && one.get("to").asString().equals(to)) {
                return one.get("pages").asLong();
            }
        }
        throw new AssertionError("nothing is said of pages from " + from + " to " + to);
    }

    @ParameterizedTest
    @CsvSource({"pagerank, 2M", "sort, 2M", "hashjoin, 16M"})
    void theDeviceIsTheOneThatIsNamed(String workload, String bytes) {
        JsonNode result = json("run " + workload + " --mode live --size 8M --device accelerator:" + bytes + " --json");
        assertThat(result.get("verified").asBoolean()).isTrue();
        assertThat(result.at("/machine/devicePhases").asString()).isEqualTo("accelerator:" + bytes);
        assertThat(moved(result, "accelerator", "ram")).isPositive();
        assertThat(result.at("/residentPages/accelerator").asLong() * 4096)
                .isLessThanOrEqualTo(Sizes.parse("size", bytes, 1, Long.MAX_VALUE));
    }

    @Test
    void kernelsRunOnTheCpuIfThereShallBeNoDevice() {
        JsonNode result = json("run triad --device none --size 8M --json");
        assertThat(result.get("mode").asString()).isEqualTo("live");
        assertThat(result.get("verified").asBoolean()).isTrue();
        assertThat(result.at("/machine/devicePhases").asString()).isEqualTo("CPU");
        assertThat(result.get("kernels").asLong()).isZero();
        assertThat(result.get("residentPages").has("accelerator")).isFalse();
    }

    /** What is found in a file that does not fit in RAM is what a person would find. */
    @Test
    void wordcountOfAFileFindsItsWords() throws IOException {
        byte[] text =
                "The cat, the CAT; the m\u00fcller-cat 42\n".repeat(100_000).getBytes(StandardCharsets.UTF_8);
        Path file = Files.write(folder.resolve("words.txt"), text);
        JsonNode result = json("run wordcount " + file + " --mode live --json");
        assertThat(result.get("mode").asString()).isEqualTo("live");
        assertThat(result.get("verified").asBoolean()).isTrue();
        assertThat(result.get("input").asString())
                .isEqualTo(String.format(Locale.ROOT, "%,d bytes of text", text.length));
        List<String> found = new ArrayList<>();
        for (JsonNode line : result.get("results")) {
            found.add(line.asString().replaceAll(" +", " "));
        }
        assertThat(found)
                .containsExactly(
                        "4 different words", "cat 300,000", "the 300,000", "42 100,000", "m\u00fcller 100,000");
        assertThat(result.get("workingSetBytes").asLong()).isGreaterThan(text.length);
        assertThat(result.at("/machine/ramBytes").asLong()).isLessThan(text.length);
        assertThat(result.at("/evictions/pages").asLong()).as("evicted pages").isPositive();
        assertThat(moved(result, "overflow", "ram")).isPositive();
    }

    @Test
    void liveAndModelComputeTheSame() {
        JsonNode live = json("run kmeans --mode live --size 4M --seed 3 --json");
        out.getBuffer().setLength(0);
        JsonNode model = json("run kmeans --mode model --size 4M --seed 3 --json");
        assertThat(live.get("results")).isEqualTo(model.get("results"));
        assertThat(model.get("mode").asString()).isEqualTo("model");
    }

    @Test
    void tableSaysWhereItRanAndWhatMoved() {
        assertThat(run("run triad --mode live --ram 4M --overflow ram:16M --threads 3 --seed 7"))
                .as(err.toString())
                .isZero();
        assertThat(out.toString())
                .contains(
                        "live (rights: ",
                        "RAM 4M",
                        "overflow ram:16M",
                        "3 CPU threads",
                        "device phases: accelerator:4M")
                .contains("2.00 x RAM", "page faults", "moved, ram to overflow", "moved, overflow to ram")
                .contains("moved, ram to accelerator", "moved, accelerator to ram", "at the end on accelerator")
                .contains("evictions", "at the end on ram", "bit for bit");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void pagesGoToTheSecondDeviceWhenTheFirstIsFull() {
        JsonNode result = json("run sort --ram 2M --size 12M --overflow ram:2M --overflow compressed:32M --json");
        assertThat(result.get("verified").asBoolean()).isTrue();
        assertThat(result.get("residentPages").size()).isEqualTo(4);
    }

    @Test
    void moreDataThanRamAndOverflowIsOneLine() {
        assertThat(run("run sort --ram 2M --size 16M --overflow ram:4M")).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .contains("no memory for", "RAM and overflow", "larger overflow");
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void reportShowsAllocationsAndPhases() throws IOException {
        Path report = folder.resolve("report.html");
        assertThat(run("run triad --mode live --size 8M --report " + report))
                .as(err.toString())
                .isZero();
        assertThat(Files.readString(report))
                .startsWith("<!DOCTYPE html>")
                .contains("\"name\":\"a\"", "device phases: accelerator:4M", "\"where\":\"accelerator\"")
                .doesNotContain("REPORT-DATA", "http://", "https://", "src=");
    }

    private static Diagnosis impossible() {
        return new Diagnosis(
                Tier.NONE,
                List.of(new Finding(
                        "userfaultfd",
                        Verdict.FAILS,
                        "the container forbids it",
                        Optional.of("allow userfaultfd in its seccomp profile"))));
    }

    @Test
    void whereLiveIsImpossibleTheModelRunsAndOneLineSaysSo() {
        addRunThere();
        assertThat(run("run-there triad --size 2M")).isZero();
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .contains("running on the model", "the container forbids it", "seccomp profile");
        assertThat(out.toString()).contains("accelerator", "bit for bit");
    }

    @Test
    void whereLiveIsImpossibleAskingForItFailsInTheDoctorsWords() {
        addRunThere();
        for (String line : List.of("run-there triad --mode live", "run-there triad --overflow ram:64M")) {
            err.getBuffer().setLength(0);
            assertThat(run(line)).isEqualTo(ExitCode.FAILED);
            assertThat(err.toString().lines())
                    .containsExactly("heteromem: " + impossible().refusal());
            assertThat(out.toString()).isEmpty();
        }
    }

    /** A new command does not get what its siblings were told before. */
    private void addRunThere() {
        command.addSubcommand("run-there", new RunCommand(LiveRunTest::impossible))
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .setCaseInsensitiveEnumValuesAllowed(true);
    }

    private JsonNode json(String line) {
        assertThat(run(line)).as(err.toString()).isZero();
        return JsonMapper.shared().readTree(out.toString());
    }

    private int run(String line) {
        return Heteromem.run(command, line.trim().split(" +"));
    }
}
