package org.heteromem.cli;

import org.heteromem.cli.command.CompletionCommand;
import org.heteromem.cli.command.ConformCommand;
import org.heteromem.cli.command.DaemonCommand;
import org.heteromem.cli.command.DevicesCommand;
import org.heteromem.cli.command.DoctorCommand;
import org.heteromem.cli.command.ExecCommand;
import org.heteromem.cli.command.PoliciesCommand;
import org.heteromem.cli.command.RunCommand;
import org.heteromem.cli.command.SmapsCommand;
import org.heteromem.cli.command.SoakCommand;
import org.heteromem.cli.command.StatusCommand;
import org.heteromem.cli.command.TopCommand;
import org.heteromem.cli.command.WorkloadsCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The {@code heteromem} command: the root of the sub-commands, and the main class. */
@Command(
        name = "heteromem",
        description = "One address space over system memory and the memory of devices.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            RunCommand.class,
            WorkloadsCommand.class,
            PoliciesCommand.class,
            DevicesCommand.class,
            ConformCommand.class,
            DaemonCommand.class,
            ExecCommand.class,
            StatusCommand.class,
            SmapsCommand.class,
            TopCommand.class,
            DoctorCommand.class,
            SoakCommand.class,
            CompletionCommand.class
        })
public final class Heteromem implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // Set by picocli before run().
    private CommandSpec spec;

    private Heteromem() {}

    /** Runs one command line and ends the JVM with its {@link ExitCode}. */
    public static void main(String... args) {
        System.exit(run(commandLine(), args));
    }

    /** Runs one command line, and answers for the errors that picocli lets through. */
    static int run(CommandLine commandLine, String... args) {
        try {
            return commandLine.execute(args);
        } catch (Error error) {
            return Failures.handleError(error, commandLine);
        }
    }

    /** A fresh command line with all sub-commands; tests give it their own writers. */
    static CommandLine commandLine() {
        Failures failures = new Failures();
        return new CommandLine(new Heteromem())
                .setParameterExceptionHandler(failures)
                .setExecutionExceptionHandler(failures)
                .setCaseInsensitiveEnumValuesAllowed(true);
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }
}
