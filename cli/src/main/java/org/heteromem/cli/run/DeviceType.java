package org.heteromem.cli.run;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.heteromem.cli.BadInputException;

/** A kind of device that {@code run} can put into its machine. */
public enum DeviceType {
    /** {@link org.heteromem.devices.accelerator.Accelerator}. */
    ACCELERATOR("memory that no CPU can address, page table of its own, 8 compute units that fault in batches");

    private final String summary;

    DeviceType(String summary) {
        this.summary = summary;
    }

    /** {@return the name on the command line} */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** {@return one line for people} */
    public String summary() {
        return summary;
    }

    /** {@return all of them} */
    public static List<DeviceType> all() {
        return List.of(values());
    }

    /**
     * {@return the kind with a name}
     *
     * @param label a name on the command line
     * @throws BadInputException if there is none, with the names there are
     */
    public static DeviceType named(String label) {
        return all().stream()
                .filter(type -> type.label().equals(label))
                .findFirst()
                .orElseThrow(() -> new BadInputException("--device: unknown device '" + label + "': choose one of "
                        + Arrays.stream(values()).map(DeviceType::label).collect(Collectors.joining(", "))));
    }
}
