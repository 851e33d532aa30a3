package org.heteromem.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.List;
import org.heteromem.cli.daemon.DaemonFailedException;
import org.heteromem.cli.run.PhaseFailedException;
import org.heteromem.cli.workload.WrongResultException;
import org.heteromem.core.MemoryExhaustedException;
import org.heteromem.live.HeteromemException;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * Turns what went wrong into what the user sees and into the exit code.
 *
 * <p>Trouble that a user can do something about is one line. Everything else is a bug of ours, and gets the stack trace
 * that we will ask for.
 */
final class Failures implements IParameterExceptionHandler, IExecutionExceptionHandler {

    @Override
    public int handleParseException(ParameterException exception, String[] args) {
        CommandLine command = exception.getCommandLine();
        String message = exception instanceof UnmatchedArgumentException unmatched
                ? unmatchedMessage(unmatched, command)
                : messageOf(exception);
        String help = command.getCommandSpec().qualifiedName() + " --help";
        return fail(command, message + " (see " + help + ")", ExitCode.USAGE);
    }

    private static String unmatchedMessage(UnmatchedArgumentException exception, CommandLine command) {
        String word = exception.getUnmatched().getFirst();
        String kind = exception.isUnknownOption()
                ? "unknown option"
                : command.getSubcommands().isEmpty() ? "unexpected argument" : "unknown command";
        List<String> similar = exception.getSuggestions();
        return kind + " '" + word + "'"
                + (similar.isEmpty() ? "" : ", did you mean " + String.join(" or ", similar) + "?");
    }

    @Override
    public int handleExecutionException(Exception exception, CommandLine command, ParseResult parsed) {
        return switch (exception) {
            case BadInputException _ -> fail(command, messageOf(exception), ExitCode.USAGE);
            case MemoryExhaustedException _,
                    PhaseFailedException _,
                    WrongResultException _,
                    HeteromemException _,
                    DaemonFailedException _ -> fail(command, messageOf(exception), ExitCode.FAILED);
            case IOException _, UncheckedIOException _ -> fail(command, messageOf(exception), ExitCode.FAILED);
            default -> reportBug(exception, command);
        };
    }

    static int handleError(Error error, CommandLine command) {
        if (error instanceof OutOfMemoryError) {
            String message = "the JVM is out of memory (" + error.getMessage()
                    + "): use smaller sizes, or raise its limit with, for example, HETEROMEM_JAVA_OPTS=-Xmx8g";
            return fail(command, message, ExitCode.FAILED);
        }
        return reportBug(error, command);
    }

    private static int fail(CommandLine command, String message, int exitCode) {
        PrintWriter err = command.getErr();
        err.println(command.getColorScheme()
                .errorText(command.getCommandSpec().root().name() + ": " + message));
        err.flush();
        return exitCode;
    }

    private static int reportBug(Throwable bug, CommandLine command) {
        PrintWriter err = command.getErr();
        bug.printStackTrace(err);
        err.println(command.getCommandSpec().root().name()
                + ": this is a bug in Heteromem; please report it with the command line and the lines above");
        err.flush();
        return ExitCode.BUG;
    }

    /** The message on one line, whatever it holds, and never empty. */
    private static String messageOf(Exception exception) {
        String message = exception.getMessage();
        if (message == null || message.isBlank()) {
            return exception.getClass().getSimpleName();
        }
        return message.strip().replaceAll("\\s*\\R\\s*", "; ");
    }
}
