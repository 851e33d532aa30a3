package org.heteromem.cli.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.heteromem.cli.BadInputException;
import org.heteromem.cli.daemon.ChildProcess;
import org.heteromem.cli.daemon.DaemonSettings;
import org.heteromem.live.OnLoss;
import org.heteromem.live.Options;
import org.heteromem.live.ProgramDaemon;
import org.heteromem.live.UnavailableException;
import org.heteromem.live.daemon.DaemonOptions;
import org.heteromem.live.doctor.Diagnosis;
import org.heteromem.live.doctor.Doctor;
import org.heteromem.live.doctor.Tier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code heteromem exec}: a daemon for as long as one program runs. */
@Command(
        name = "exec",
        description = "Runs a program that uses Heteromem's memory, with a daemon of its own and a budget of RAM.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "The program finds the daemon by $" + Options.SOCKET_VARIABLE
                    + "; told to end, it tells the program first, and its exit"
                    + " code comes back (128 and the number of the signal if one ended it, 127 if it cannot be started).",
            "",
            "Example:",
            "  heteromem exec --ram 512M --overflow compressed:4G -- java -jar app.jar"
        })
public final class ExecCommand implements Callable<Integer> {
    private static final int CANNOT_START = 127;

    @Spec
    @SuppressWarnings("NullAway.Init") // Set by picocli before call().
    private CommandSpec spec;

    @Option(names = "--ram", paramLabel = "SIZE", description = "RAM for the program (default: half of the memory).")
    private @Nullable String ram;

    @Mixin
    private final ServingOptions serving = new ServingOptions();

    @Option(
            names = "--log",
            paramLabel = "FILE",
            description = "Where the daemon's words go (default: only those about lost pages, to standard error).")
    private @Nullable Path log;

    @Parameters(paramLabel = "COMMAND", arity = "1..*", description = "The program and its arguments, after --.")
    private List<String> command = new ArrayList<>();

    @Override
    public Integer call() throws IOException, InterruptedException {
        Doctor.requireSystem();
        Diagnosis diagnosis = Doctor.examine();
        DaemonSettings settings = new DaemonSettings(
                null,
                ram,
                ram,
                serving.overflow(),
                serving.onLoss(),
                serving.victims(),
                serving.device(),
                serving.kernels(),
                null);
        if (diagnosis.tier() == Tier.NONE) {
            settings.options(Path.of("unused"));
            throw new UnavailableException(diagnosis.refusal());
        }
        try (ChildProcess child = new ChildProcess()) {
            return run(settings, child);
        }
    }

    private int run(DaemonSettings settings, ChildProcess child) throws IOException, InterruptedException {
        DaemonOptions checked = settings.options(Path.of("unused"));
        Options options = options(checked);
        try (ProgramDaemon daemon =
                log == null ? ProgramDaemon.start(options) : ProgramDaemon.start(options, writable(log))) {
            try {
                return run(daemon.socket(), child);
            } finally {
                PrintWriter err = spec.commandLine().getErr();
                daemon.losses().forEach(line -> err.println("heteromem: " + line));
                err.flush();
            }
        }
    }

    private static Options options(DaemonOptions checked) {
        Options options = Options.ram(checked.ramBytes())
                .victims(checked.victims())
                .onLoss(checked.onLoss() == DaemonOptions.OnLoss.KILL ? OnLoss.KILL : OnLoss.THROW)
                .kernels(checked.kernels().toArray(Path[]::new));
        for (String device : checked.overflow()) {
            int size = device.lastIndexOf(':');
            options = options.overflow(device.substring(0, size), device.substring(size + 1));
        }
        for (String device : checked.devices()) {
            options = options.accelerator(device.substring(device.indexOf(':') + 1));
        }
        return options;
    }

    private static Path writable(Path log) throws IOException {
        try {
            Files.newBufferedWriter(log).close();
            return log.toAbsolutePath();
        } catch (IOException e) {
            throw new BadInputException("--log: cannot write " + log + ": " + e, e);
        }
    }

    private int run(Path socket, ChildProcess child) throws InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
        builder.environment().put(Options.SOCKET_VARIABLE, socket.toString());
        try {
            return child.run(builder);
        } catch (IOException e) {
            PrintWriter err = spec.commandLine().getErr();
            err.println("heteromem: cannot start '" + command.getFirst() + "': " + e.getMessage());
            err.flush();
            return CANNOT_START;
        }
    }
}
