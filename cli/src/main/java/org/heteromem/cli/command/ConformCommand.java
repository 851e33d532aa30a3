package org.heteromem.cli.command;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.heteromem.cli.ExitCode;
import org.heteromem.cli.conform.Conformance;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code heteromem conform}: replays recorded behaviour of Linux and says where the core differs. */
@Command(
        name = "conform",
        description = "Replays scenarios recorded from Linux and prints every result that differs.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Exit code: 0 if no scenario failed, 1 if one did, 2 if a file cannot be used.",
            "Scenarios with an operation that is not supported yet are counted by the name of the first such operation."
        })
public final class ConformCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // Set by picocli before call().
    private CommandSpec spec;

    @Parameters(
            arity = "1..*",
            paramLabel = "FILE|DIR",
            description = "Scenario files (*.scn, *.scn.gz), or directories that hold them.")
    @SuppressWarnings("NullAway.Init") // Set by picocli before call().
    private List<Path> paths;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        Conformance.Tally tally = Conformance.replay(paths, out::println);
        for (Map.Entry<String, Integer> missing : tally.unsupported().entrySet()) {
            out.println("not supported yet: " + missing.getKey() + " (" + missing.getValue() + ")");
        }
        out.println(tally.passed() + " passed, " + tally.failed() + " failed");
        out.flush();
        return tally.failed() == 0 ? ExitCode.OK : ExitCode.FAILED;
    }
}
