package org.heteromem.cli.command;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.heteromem.cli.ExitCode;
import org.heteromem.policy.Policies;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code heteromem policies}: who decides what moves. */
@Command(
        name = "policies",
        description =
                "Lists the policies: of run, a placement policy or placement+eviction; of daemon, a victim policy.",
        mixinStandardHelpOptions = true)
public final class PoliciesCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // Set by picocli before call().
    private CommandSpec spec;

    @Override
    public Integer call() {
        Map<String, String> lines = new LinkedHashMap<>();
        Policies.placements()
                .forEach(policy -> lines.put(
                        policy.name(),
                        "placement: " + policy.description() + mark(policy.name(), Policies.DEFAULT_PLACEMENT)));
        Policies.evictions()
                .forEach(policy -> lines.put(
                        "+" + policy.name(),
                        "eviction: " + policy.description() + mark(policy.name(), Policies.DEFAULT_EVICTION)));
        Policies.victims()
                .forEach(policy -> lines.put(
                        "--victims " + policy.name(),
                        "victims: " + policy.description() + mark(policy.name(), Policies.DEFAULT_VICTIMS)));
        lines.put(
                "--victims NAME" + Policies.SAMPLING,
                "victims: the same, and what is used shortly before it would leave stays (a fault for each use that is seen)");
        Listing.print(spec.commandLine().getOut(), lines);
        return ExitCode.OK;
    }

    private static String mark(String name, String preset) {
        return name.equals(preset) ? " [default]" : "";
    }
}
