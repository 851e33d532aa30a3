package org.heteromem.cli.command;

import java.util.ArrayList;
import java.util.List;
import org.heteromem.policy.Policies;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What a daemon has for each program that it serves: the same for one that serves many and for that of {@code exec}. */
final class ServingOptions {
    @Option(
            names = "--overflow",
            paramLabel = "KIND:SIZE",
            completionCandidates = Names.OfOverflow.class,
            description = "A device of each program for what RAM has no room for; several fill in their order (default:"
                    + " compressed, as large as --ram).")
    private List<String> overflow = new ArrayList<>();

    @Option(
            names = "--on-loss",
            paramLabel = "kill|throw",
            description = "What becomes of a program whose page is lost: it is ended, or a touch of the page throws an"
                    + " InternalError (default: kill).")
    private @Nullable String onLoss;

    @Option(
            names = "--victims",
            paramLabel = "NAME",
            completionCandidates = Names.OfVictims.class,
            description = "Who leaves RAM when it is full: ${COMPLETION-CANDIDATES}, each also with "
                    + Policies.SAMPLING + " (default: " + Policies.DEFAULT_VICTIMS + "; see heteromem policies).")
    private @Nullable String victims;

    @Option(
            names = "--device",
            paramLabel = "accelerator:SIZE",
            description = "A device of each program that computes, and its memory (default: none).")
    private @Nullable String device;

    @Option(
            names = "--kernels",
            paramLabel = "PATH",
            description = "Jars and folders of classes that programs may run as kernels on the device.")
    private List<String> kernels = new ArrayList<>();

    List<String> overflow() {
        return overflow;
    }

    @Nullable
    String onLoss() {
        return onLoss;
    }

    @Nullable
    String victims() {
        return victims;
    }

    @Nullable
    String device() {
        return device;
    }

    List<String> kernels() {
        return kernels;
    }
}
