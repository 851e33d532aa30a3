package org.heteromem.cli.conform;

/**
 * A result that is not the recorded one.
 *
 * @param scenario where
 * @param line the line in the scenario's file
 * @param text the operation
 * @param expected what Linux gave
 * @param actual what the core gave
 */
record Difference(Scenario scenario, int line, String text, String expected, String actual) {
    @Override
    public String toString() {
        return scenario.file() + ":" + line + ": " + scenario.name() + ": " + text + System.lineSeparator()
                + "    expected " + expected + System.lineSeparator() + "    actual   " + actual;
    }
}
