package org.heteromem.cli.command;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.heteromem.cli.ExitCode;
import org.heteromem.live.Observer;
import org.heteromem.live.Status;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** {@code heteromem status}: all counters of a daemon and of its clients, once. */
@Command(
        name = "status",
        description = "Shows the counters of the daemon and of the programs that have memory with it.",
        mixinStandardHelpOptions = true,
        footer = {"", "Exit code: 0, or 1 if there is no daemon."})
public final class StatusCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // Set by picocli before call().
    private CommandSpec spec;

    @Mixin
    private final SocketOption socket = new SocketOption();

    @Option(names = "--json", description = "Prints one JSON object instead of text.")
    private boolean json;

    @Override
    public Integer call() {
        Status status;
        try (Observer observer = socket.connect()) {
            status = observer.status();
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(JsonMapper.builder()
                    .enable(SerializationFeature.INDENT_OUTPUT)
                    .build()
                    .writeValueAsString(status));
        } else {
            for (Status.Subject subject : status.subjects()) {
                out.println(subject.name() + " (pid " + subject.pid() + ")");
                int width = subject.counters().keySet().stream()
                        .mapToInt(String::length)
                        .max()
                        .orElse(1);
                subject.counters()
                        .forEach((name, value) ->
                                out.printf("  %s%s  %,d%n", name, " ".repeat(width - name.length()), value));
            }
        }
        out.flush();
        return ExitCode.OK;
    }
}
