package org.heteromem.bench.live;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The rows of the result, as Markdown. */
final class Table {
    private record Row(String what, String figure, String floor, String ratio, String goal, String met) {}

    private final List<Row> rows = new ArrayList<>();
    private final PrintStream progress;

    Table(PrintStream progress) {
        this.progress = progress;
    }

    static String number(double value, String unit) {
        String digits = value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f";
        return String.format(Locale.ROOT, digits + " %s", value, unit);
    }

    /** A figure that must not be above so many times its floor. */
    void atMost(String what, double figure, double floor, String unit, double goal) {
        double ratio = figure / floor;
        add(what, number(figure, unit), number(floor, unit), ratio(ratio), "≤ " + goal + " ×", ratio <= goal);
    }

    /** A figure that must not be below a part of its floor. */
    void atLeast(String what, double figure, double floor, String unit, double goal) {
        double ratio = figure / floor;
        add(what, number(figure, unit), number(floor, unit), ratio(ratio), "≥ " + goal + " ×", ratio >= goal);
    }

    /** A figure with a goal in itself. */
    void limit(String what, double figure, String unit, double most) {
        add(what, number(figure, unit), "–", "–", "≤ " + number(most, unit), figure <= most);
    }

    /** Beside the others, without a goal. */
    void beside(String what, String figure, String floor, String ratio) {
        put(new Row(what, figure, floor, ratio, "–", "–"));
    }

    /** Was not measured. */
    void notRun(String what, String why) {
        put(new Row(what, "not run: " + why, "–", "–", "–", "–"));
    }

    static String ratio(double ratio) {
        return String.format(Locale.ROOT, "%.2f", ratio);
    }

    private void add(String what, String figure, String floor, String ratio, String goal, boolean met) {
        put(new Row(what, figure, floor, ratio, goal, met ? "yes" : "**no**"));
    }

    private void put(Row row) {
        rows.add(row);
        progress.println(line(row));
    }

    private static String line(Row row) {
        return "| " + String.join(" | ", row.what, row.figure, row.floor, row.ratio, row.goal, row.met) + " |";
    }

    String markdown() {
        StringBuilder text = new StringBuilder("| what | figure | floor in the same run | ratio | goal | met |\n");
        text.append("|---|---|---|---|---|---|\n");
        rows.forEach(row -> text.append(line(row)).append('\n'));
        return text.toString();
    }
}
