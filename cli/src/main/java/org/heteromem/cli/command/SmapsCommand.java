package org.heteromem.cli.command;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.heteromem.cli.BadInputException;
import org.heteromem.cli.ExitCode;
import org.heteromem.live.Observer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code heteromem smaps}: where the memory of one program is, region by region. */
@Command(
        name = "smaps",
        description = "Shows the regions of a program, and how much of each is in RAM and on which device.",
        mixinStandardHelpOptions = true,
        footer = {"", "Exit code: 0, or 1 if there is no daemon or the program has no memory with it."})
public final class SmapsCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // Set by picocli before call().
    private CommandSpec spec;

    @Mixin
    private final SocketOption socket = new SocketOption();

    @Parameters(paramLabel = "PID", description = "Process id of the program.")
    private int pid;

    @Override
    public Integer call() {
        if (pid < 1) {
            throw new BadInputException("PID: " + pid + " is no process id");
        }
        try (Observer observer = socket.connectTo(pid)) {
            PrintWriter out = spec.commandLine().getOut();
            out.print(observer.smaps(pid));
            out.flush();
        }
        return ExitCode.OK;
    }
}
