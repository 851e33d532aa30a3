package org.heteromem.cli.command;

import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.heteromem.cli.BadInputException;
import org.heteromem.cli.ExitCode;
import org.heteromem.cli.daemon.TopScreen;
import org.heteromem.cli.run.Terminal;
import org.heteromem.live.Observer;
import org.heteromem.live.Status;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code heteromem top}: who has how much memory where, and how fast it moves, again and again. */
@Command(
        name = "top",
        description = "Shows the programs of a daemon: RAM and device bytes, faults and bytes a second each way.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "On a terminal it refreshes until Ctrl-C or the daemon's end; elsewhere it prints once, after one interval."
        })
public final class TopCommand implements Callable<Integer> {
    private static final String CLEAR = "\033[H\033[2J";
    private static final int MAX_SECONDS = 3600;

    @Spec
    @SuppressWarnings("NullAway.Init") // Set by picocli before call().
    private CommandSpec spec;

    @Mixin
    private final SocketOption socket = new SocketOption();

    @Option(
            names = "--interval",
            paramLabel = "SECONDS",
            defaultValue = "1",
            description = "Time between two looks (default: ${DEFAULT-VALUE}).")
    private double interval;

    @Override
    public Integer call() throws InterruptedException {
        if (!(interval > 0 && interval <= MAX_SECONDS)) {
            throw new BadInputException(
                    "--interval: " + interval + " seconds are out of range: more than 0, at most " + MAX_SECONDS);
        }
        boolean terminal = Terminal.STANDARD_OUTPUT.isTerminal();
        long nanos = Math.round(interval * TimeUnit.SECONDS.toNanos(1));
        PrintWriter out = spec.commandLine().getOut();
        TopScreen screen = new TopScreen();
        try (Observer observer = socket.connect()) {
            List<String> lines = look(observer, screen);
            do {
                if (terminal) {
                    show(out, CLEAR, lines);
                }
                TimeUnit.NANOSECONDS.sleep(nanos);
                lines = look(observer, screen);
            } while (terminal);
            show(out, "", lines);
        }
        return ExitCode.OK;
    }

    private static List<String> look(Observer observer, TopScreen screen) {
        Status status = observer.status();
        return screen.lines(status, System.nanoTime());
    }

    private static void show(PrintWriter out, String before, List<String> lines) {
        out.print(before);
        lines.forEach(out::println);
        out.flush();
    }
}
