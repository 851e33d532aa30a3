package org.heteromem.cli.run;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
import org.heteromem.cli.BadInputException;
import tools.jackson.databind.json.JsonMapper;

/**
 * One HTML file that needs no network: a picture of who lived where over time, what moved when, and the table. The page
 * is the resource {@code report.html}, which draws what it finds in a JSON object inside it.
 */
public final class HtmlReport {
    private static final String DATA = "\"REPORT-DATA\"";
    private static final String AS_BEFORE = "=";
    private static final int LEVELS = 8;

    private final Path file;
    private final Path unfinished;

    /**
     * Checks that a report can be written.
     *
     * @param file where it shall be
     * @throws BadInputException if it cannot be there
     */
    public HtmlReport(Path file) {
        Path folder = file.toAbsolutePath().getParent();
        if (Files.isDirectory(file) || folder == null || !Files.isDirectory(folder)) {
            throw new BadInputException("--report " + file + ": "
                    + (Files.isDirectory(file) ? "is a directory" : "there is no directory " + folder));
        }
        if (!Files.isWritable(folder)) {
            throw new BadInputException("--report " + file + ": the directory " + folder + " is not writable");
        }
        this.file = file;
        this.unfinished = folder.resolve("." + file.getFileName() + ".unfinished");
    }

    /** What the page draws. */
    record Page(
            String title,
            List<ResultTable.Row> table,
            String device,
            int levels,
            int groupPages,
            List<Double> millis,
            List<Track> tracks,
            List<Long> toDevicePages,
            List<Long> toRamPages,
            List<Long> cpuFaults,
            List<Long> deviceFaults,
            List<Timeline.PhaseSpan> phases) {}

    /**
     * An allocation: for each sample a string with two letters for each group of pages, the share that is in RAM and that
     * is on the device, from {@code a} for nothing; {@code =} for a sample like the one before.
     */
    record Track(String name, String address, int pages, int groups, List<String> samples) {}

    /**
     * Writes the report, completely or not at all.
     *
     * @param outcome of the run
     * @throws IOException if it cannot be written
     */
    public void write(Outcome outcome) throws IOException {
        String json = JsonMapper.builder().build().writeValueAsString(outcome.page());
        String html;
        try (InputStream template = HtmlReport.class.getResourceAsStream("report.html")) {
            if (template == null) {
                throw new IllegalStateException("report.html is not in the program");
            }
            html = new String(template.readAllBytes(), StandardCharsets.UTF_8);
        }
        // Inside a script element, a name in the data must not end it.
        Files.writeString(unfinished, html.replace(DATA, json.replace("<", "\\u003c")));
        try {
            Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException _) {
            Files.move(unfinished, file, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /**
     * Removes what an interrupted {@link #write} has left.
     *
     * @throws IOException if it cannot be removed
     */
    public void abandon() throws IOException {
        Files.deleteIfExists(unfinished);
    }

    static Page page(RunResult result, Timeline timeline) {
        List<Timeline.Sample> samples = timeline.samples();
        List<Track> tracks = new ArrayList<>();
        for (int i = 0; i < timeline.tracks().size(); i++) {
            tracks.add(track(timeline, samples, i));
        }
        return new Page(
                "heteromem run " + result.workload(),
                ResultTable.rows(result),
                result.machine().device(),
                LEVELS,
                timeline.groupPages(),
                samples.stream().map(sample -> sample.nanos / 1e6).toList(),
                tracks,
                samples.stream().map(sample -> sample.toDevicePages).toList(),
                samples.stream().map(sample -> sample.toRamPages).toList(),
                samples.stream().map(sample -> sample.cpuFaults).toList(),
                samples.stream().map(sample -> sample.deviceFaults).toList(),
                timeline.phases());
    }

    private static Track track(Timeline timeline, List<Timeline.Sample> samples, int index) {
        Timeline.Track track = timeline.tracks().get(index);
        List<String> columns = new ArrayList<>();
        String last = "";
        for (Timeline.Sample sample : samples) {
            StringBuilder column = new StringBuilder();
            if (index < sample.tracks.size()) {
                Timeline.Shown shown = sample.tracks.get(index);
                for (int group = 0; group < track.groups(); group++) {
                    int pages = Math.min(timeline.groupPages(), track.pages - group * timeline.groupPages());
                    column.append(level(shown.ram(group), pages)).append(level(shown.device(group), pages));
                }
            }
            String text = column.toString();
            columns.add(text.equals(last) ? AS_BEFORE : text);
            last = text;
        }
        return new Track(track.name, "0x" + Long.toHexString(track.address), track.pages, track.groups(), columns);
    }

    static Page page(LiveResult result, LiveTimeline timeline) {
        List<LiveTimeline.Sample> samples = timeline.samples();
        List<Track> tracks = new ArrayList<>();
        for (LiveTimeline.Track track : timeline.tracks()) {
            tracks.add(track(timeline, samples.size(), track));
        }
        return new Page(
                "heteromem run " + result.workload(),
                ResultTable.rows(result),
                result.kernels() > 0 ? "overflow or accelerator" : "overflow",
                LEVELS,
                timeline.groupPages(),
                samples.stream().map(sample -> sample.nanos() / 1e6).toList(),
                tracks,
                growth(samples, traffic -> traffic.pagesOut() + traffic.pagesToDevice()),
                growth(samples, traffic -> traffic.pagesIn() + traffic.pagesFromDevice()),
                growth(samples, LiveTraffic::faults),
                samples.stream().map(_ -> 0L).toList(),
                timeline.phases());
    }

    private static List<Long> growth(List<LiveTimeline.Sample> samples, ToLongFunction<LiveTraffic> what) {
        List<Long> growth = new ArrayList<>();
        long before = 0;
        for (LiveTimeline.Sample sample : samples) {
            long now = what.applyAsLong(sample.traffic());
            growth.add(now - before);
            before = now;
        }
        return growth;
    }

    private static Track track(LiveTimeline timeline, int samples, LiveTimeline.Track track) {
        List<String> columns = new ArrayList<>();
        String last = "";
        for (int i = 0; i < samples; i++) {
            StringBuilder column = new StringBuilder();
            int[] shown = track.samples.get(i);
            for (int group = 0; shown != null && group < track.groups; group++) {
                int pages = Math.min(timeline.groupPages(), track.pages - group * timeline.groupPages());
                column.append(level(shown[2 * group], pages)).append(level(shown[2 * group + 1], pages));
            }
            String text = column.toString();
            columns.add(text.equals(last) ? AS_BEFORE : text);
            last = text;
        }
        return new Track(
                track.name, "0x" + Long.toHexString(track.segment.address()), track.pages, track.groups, columns);
    }

    /** Rounded, but never to nothing or to all. */
    private static char level(int part, int whole) {
        int level = part == 0
                ? 0
                : part == whole ? LEVELS : Math.clamp(Math.round((float) part * LEVELS / whole), 1, LEVELS - 1);
        return (char) ('a' + level);
    }
}
