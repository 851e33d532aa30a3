package org.heteromem.cli.conform;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A list of operations that starts with one fresh process and empty devices.
 *
 * @param file where it is written
 * @param line the line of its name
 * @param name its name
 * @param steps the operations, in order
 */
record Scenario(Path file, int line, String name, List<Step> steps) {
    Scenario {
        steps = List.copyOf(steps);
    }

    /** {@return the first operation that this core does not have yet, or null} */
    @Nullable
    String unsupported() {
        for (Step step : steps) {
            String missing = step.unsupported();
            if (missing != null) {
                return missing;
            }
        }
        return null;
    }
}
