package org.heteromem.cli.command;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.heteromem.cli.ExitCode;
import org.heteromem.cli.workload.Workload;
import org.heteromem.cli.workload.Workloads;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code heteromem workloads}: what run can run. */
@Command(name = "workloads", description = "Lists the workloads of run.", mixinStandardHelpOptions = true)
public final class WorkloadsCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // Set by picocli before call().
    private CommandSpec spec;

    @Override
    public Integer call() {
        Map<String, String> lines = new LinkedHashMap<>();
        for (Workload workload : Workloads.all()) {
            boolean reads = workload.fileUse() == Workload.FileUse.OPTIONAL;
            lines.put(workload.name() + (reads ? " [FILE]" : ""), workload.summary());
        }
        Listing.print(spec.commandLine().getOut(), lines);
        return ExitCode.OK;
    }
}
