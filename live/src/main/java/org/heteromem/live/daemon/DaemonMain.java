package org.heteromem.live.daemon;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.Processes;
import org.heteromem.policy.Policies;

/**
 * The daemon as a process, started by a client for itself; people use {@code heteromem daemon}.
 *
 * <p>Arguments: {@code --socket PATH --ram BYTES [--client-ram BYTES] [--overflow KIND:SIZE]... [--private PID | --after PID] [--on-loss
 * kill|throw] [--device accelerator:SIZE] [--kernels PATH:PATH...] [--victims NAME] [--fault-around PAGES]}.
 */
public final class DaemonMain {
    private DaemonMain() {}

    /**
     * Runs a daemon until its owner ends.
     *
     * @param arguments see above
     */
    public static void main(String[] arguments) {
        DaemonOptions options;
        try {
            options = parse(arguments);
        } catch (IllegalArgumentException e) {
            System.err.println("heteromem daemon: " + e.getMessage());
            System.exit(2);
            return;
        }
        Consumer<String> out = System.err::println;
        Processes.startSession();
        try (Daemon daemon = Daemon.withKeeper(options, out, failPoints(arguments))) {
            daemon.run();
        } catch (NativeException | IllegalStateException | IllegalArgumentException e) {
            System.err.println("heteromem daemon: " + e.getMessage());
            System.exit(1);
        }
    }

    /** {@code --fail-at} ends the daemon at a {@link FailPoint}, for tests of recovery. */
    private static FailPoints failPoints(String... arguments) {
        int at = List.of(arguments).indexOf("--fail-at");
        return at < 0 ? FailPoints.NONE : FailPoints.killAt(arguments[at + 1]);
    }

    static DaemonOptions parse(String... arguments) {
        Path socket = null;
        long ram = 0;
        long clientRam = 0;
        List<String> overflow = new ArrayList<>();
        List<String> devices = new ArrayList<>();
        List<Path> kernels = new ArrayList<>();
        DaemonOptions.OnLoss onLoss = DaemonOptions.OnLoss.KILL;
        String victims = Policies.DEFAULT_VICTIMS;
        int owner = 0;
        int faultAround = 0;
        DaemonOptions.Ending ending = DaemonOptions.Ending.WITH_ITS_CLIENT;
        for (int i = 0; i < arguments.length; i += 2) {
            if (i + 1 == arguments.length) {
                throw new IllegalArgumentException(arguments[i] + " needs a value");
            }
            String value = arguments[i + 1];
            switch (arguments[i]) {
                case "--socket" -> socket = Path.of(value);
                case "--ram" -> ram = number("--ram", value);
                case "--client-ram" -> clientRam = number("--client-ram", value);
                case "--device" -> devices.add(value);
                case "--overflow" -> overflow.add(value);
                case "--private" -> owner = Math.toIntExact(number("--private", value));
                case "--after" -> {
                    owner = Math.toIntExact(number("--after", value));
                    ending = DaemonOptions.Ending.AFTER_ITS_CLIENTS;
                }
                case "--on-loss" -> onLoss = onLoss(value);
                case "--victims" -> victims = value;
                case "--fault-around" -> faultAround = Math.toIntExact(number("--fault-around", value));
                case "--kernels" -> {
                    for (String path : value.split(":", -1)) {
                        kernels.add(Path.of(path));
                    }
                }
                case "--fail-at" -> FailPoints.killAt(value);
                default -> throw new IllegalArgumentException("there is no option " + arguments[i]);
            }
        }
        if (socket == null || ram == 0) {
            throw new IllegalArgumentException("--socket and --ram are needed");
        }
        return new DaemonOptions(socket, ram, clientRam == 0 ? ram : clientRam, overflow, onLoss, owner)
                .withKernels(kernels)
                .withVictims(victims)
                .withDevices(devices)
                .withFaultAround(faultAround)
                .withEnding(ending);
    }

    private static DaemonOptions.OnLoss onLoss(String value) {
        return switch (value) {
            case "kill" -> DaemonOptions.OnLoss.KILL;
            case "throw" -> DaemonOptions.OnLoss.THROW;
            default -> throw new IllegalArgumentException("--on-loss is 'kill' or 'throw', not '" + value + "'");
        };
    }

    private static long number(String option, String value) {
        try {
            return Long.parseLong(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(option + " needs a number, not '" + value + "'");
        }
    }
}
