package org.heteromem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.heteromem.cli.workload.Workload;
import org.heteromem.cli.workload.Workloads;
import org.heteromem.core.Page;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code heteromem run} on the model as a user meets it. */
class RunCommandTest {
    private static final String SMALL = "--ram 4M --device accelerator:2M";

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
    void defaultRunShowsWhatTheManagerIsFor(String workload) {
        JsonNode result = json("run " + workload + " --mode model --json");
        assertThat(result.get("workload").asString()).isEqualTo(workload);
        assertThat(result.get("verified").asBoolean()).isTrue();
        assertThat(result.get("workingSetBytes").asLong())
                .isGreaterThanOrEqualTo(result.at("/machine/deviceBytes").asLong() * 3 / 2);
        assertThat(result.at("/evictions/pages").asLong()).as("evicted pages").isPositive();
        assertThat(result.at("/cpuFaults/device-page").asLong())
                .as("CPU faults on device pages")
                .isPositive();
        assertThat(result.at("/deviceFaults/batchesOfSeveral").asLong())
                .as("batches of several faults")
                .isPositive();
        assertThat(result.get("runNanos").asLong()).isPositive();
    }

    @ParameterizedTest
    @CsvSource({
        "pagerank, 24M, 64M, 70M", // more than RAM, and more than the device: only both together hold it
        "triad, 24M, 64M, 70M",
        "sort, 3M, 8M, 9M",
        "kmeans, 16M, 4M, 14M", // more than the device alone
    })
    void dataMayBeLargerThanEitherMemory(String workload, String ram, String device, String size) {
        JsonNode result = json("run " + workload + " --ram " + ram + " --device accelerator:" + device + " --size "
                + size + " --json");
        assertThat(result.get("verified").asBoolean()).isTrue();
        long resident = 0;
        for (JsonNode pages : result.get("residentPages")) {
            resident += pages.asLong();
        }
        assertThat(resident * Page.SIZE)
                .as("what is in memory at the end")
                .isGreaterThanOrEqualTo(result.get("workingSetBytes").asLong() * 9 / 10);
    }

    @ParameterizedTest
    @CsvSource({"on-demand", "block-64k", "block-2m", "tree+lru-allocated"})
    void everyPolicyGivesTheSameResult(String policy) {
        JsonNode result = json("run sort " + SMALL + " --json --policy " + policy);
        assertThat(result.at("/machine/policy").asString()).startsWith(policy);
        assertThat(result.get("verified").asBoolean()).isTrue();
    }

    @Test
    void tableSaysWhatMovedAndWhereItIs() {
        assertThat(run("run triad " + SMALL + " --threads 3 --seed 7")).isZero();
        assertThat(out.toString())
                .contains("triad", "3 CPU threads", "tree+lru", "seed", "slowdown")
                .contains("CPU faults, device-page", "fault batches", "evictions", "moved, node0 to accelerator")
                .contains("at the end on node0", "at the end on accelerator", "bit for bit");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void equalSeedsGiveEqualResults() {
        JsonNode one = json("run hashjoin " + SMALL + " --seed 5 --json");
        out.getBuffer().setLength(0);
        JsonNode two = json("run hashjoin " + SMALL + " --seed 5 --json");
        out.getBuffer().setLength(0);
        JsonNode other = json("run hashjoin " + SMALL + " --seed 6 --json");
        assertThat(two.get("results")).isEqualTo(one.get("results"));
        assertThat(other.get("results")).isNotEqualTo(one.get("results"));
    }

    @Test
    void reportIsOnePageThatNeedsNothingElse() throws IOException {
        Path report = folder.resolve("report.html");
        assertThat(run("run triad " + SMALL + " --report " + report))
                .as(err.toString())
                .isZero();
        String page = Files.readString(report);
        assertThat(page)
                .startsWith("<!DOCTYPE html>")
                .contains("\"name\":\"a\"", "triad on the accelerator")
                .doesNotContain("REPORT-DATA", "http://", "https://", "src=");
        assertThat(out.toString()).contains(report.toString());
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(report);
        }
    }

    @Test
    void reportThatCannotBeWrittenIsRefusedBeforeTheRun() {
        assertRefused("run triad " + SMALL + " --report " + folder.resolve("none/report.html"), "none", "directory");
        assertRefused("run triad " + SMALL + " --report " + folder, "is a directory");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "run walk                                  | unknown workload 'walk' | pagerank",
                "run triad --policy magic                  | unknown policy 'magic' | on-demand",
                "run triad --policy tree+magic             | unknown eviction policy 'magic' | lru",
                "run triad --device gpu:32M                | unknown device 'gpu' | accelerator",
                "run triad --device accelerator:           | '' is not a size | 64M",
                "run triad --device accelerator:1K         | 1K is out of range | from 2M",
                "run triad --device accelerator:65T        | 65T is more than | 46 bits",
                "run triad --device accelerator:999999999T | 999999999T is more than | 46 bits",
                "run triad --mode fast                     | --mode | fast",
                "run triad --mode live --device gpu:2M     | unknown device 'gpu' | accelerator",
                "run triad --mode model --device none      | --device none | --mode live",
                "run triad --device none --policy tree     | --device none | --policy",
                "run triad --mode live --policy tree       | --policy | --mode model",
                "run triad --mode model --overflow ram:64M | --overflow | --device",
                "run triad --overflow ram:64M --policy tree | --overflow | --policy",
                "run triad --overflow tape:64M             | there is no kind 'tape' | compressed",
                "run triad --overflow ram:much             | 'much' is not a size | 512M",
                "run triad --ram lots                      | 'lots' is not a size | --ram",
                "run triad --ram -1M                       | '-1M' is not a size | --ram",
                "run triad --ram 4K                        | 4K is out of range | from 1M to 16G",
                "run triad --ram 17G                       | 17G is out of range | from 1M to 16G",
                "run triad --ram 99999999999999999999      | out of range | from 1M to 16G",
                "run triad --ram 2000001                   | 2000001 is not a whole number of pages | 4096",
                "run triad --size 1K                       | --size | out of range",
                "run triad --threads 0                     | 0 CPU threads | from 1 to 256",
                "run triad --threads many                  | --threads | many",
                "run triad --seed x                        | --seed | x",
                "run triad --fast                          | unknown option '--fast' | heteromem run --help",
                "run triad no-such-file                    | takes no file | no-such-file",
                "run pagerank no-such-file                 | no such file | no-such-file",
                "run                                       | WORKLOAD | heteromem run --help",
            })
    void badInputIsOneLine(String line, String first, String second) {
        assertRefused(line, first, second);
    }

    @Test
    void badLineOfAFileIsNamed() throws IOException {
        Path edges = Files.writeString(folder.resolve("edges.txt"), "1 2\n3 x\n");
        assertRefused("run pagerank " + edges, edges + ":2", "'3 x'");
    }

    @Test
    void fullMemoriesEndTheRunWithTheirState() {
        assertThat(run("run triad --ram 2M --device accelerator:2M --size 8M")).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .contains("no memory for a page at 0x", "node0", "of 512 pages", "accelerator");
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void listsNameEverythingThatRunTakes() {
        assertThat(run("workloads")).isZero();
        assertThat(out.toString()).contains("pagerank [FILE]", "triad", "wordcount");
        out.getBuffer().setLength(0);
        assertThat(run("policies")).isZero();
        assertThat(out.toString()).contains("on-demand", "block-64k", "block-2m", "tree ", "+lru ", "[default]");
        assertThat(out.toString()).contains("--victims refault", "--victims 2q", "--victims fifo");
        out.getBuffer().setLength(0);
        assertThat(run("devices")).isZero();
        assertThat(out.toString()).contains("accelerator:SIZE", "2M");
        assertThat(err.toString()).isEmpty();
    }

    private void assertRefused(String line, String... words) {
        err.getBuffer().setLength(0);
        assertThat(run(line)).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString().lines()).singleElement().asString().contains(words);
        assertThat(out.toString()).isEmpty();
    }

    private JsonNode json(String line) {
        assertThat(run(line)).as(err.toString()).isZero();
        return JsonMapper.shared().readTree(out.toString());
    }

    private int run(String line) {
        return Heteromem.run(command, line.trim().split(" +"));
    }
}
