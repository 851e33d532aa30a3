package org.heteromem.cli.command;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.heteromem.cli.ExitCode;
import org.heteromem.cli.run.DeviceSpec;
import org.heteromem.cli.run.DeviceType;
import org.heteromem.cli.run.Sizes;
import org.heteromem.devices.storage.StorageSpec;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code heteromem devices}: what kinds of devices there are. */
@Command(
        name = "devices",
        description =
                "Lists the kinds of devices: those that compute, which run can have, and those that hold overflow.",
        mixinStandardHelpOptions = true)
public final class DevicesCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // Set by picocli before call().
    private CommandSpec spec;

    @Override
    public Integer call() {
        Map<String, String> lines = new LinkedHashMap<>();
        for (DeviceType type : DeviceType.all()) {
            lines.put(
                    type.label() + ":SIZE",
                    type.summary() + "; " + Sizes.format(DeviceSpec.MIN_BYTES) + " to "
                            + Sizes.format(DeviceSpec.MAX_BYTES));
        }
        for (StorageSpec.Kind kind : StorageSpec.Kind.values()) {
            lines.put(kind.form(), "holds overflow of RAM: " + kind.summary());
        }
        Listing.print(spec.commandLine().getOut(), lines);
        return ExitCode.OK;
    }
}
