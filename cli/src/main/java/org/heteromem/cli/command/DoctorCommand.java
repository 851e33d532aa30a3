package org.heteromem.cli.command;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.heteromem.cli.ExitCode;
import org.heteromem.live.doctor.Diagnosis;
import org.heteromem.live.doctor.Doctor;
import org.heteromem.live.doctor.Tier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code heteromem doctor}: what live mode can do on this machine, and what mends what it cannot. */
@Command(
        name = "doctor",
        description = "Says whether live mode works here, what limits it, and the command that mends it.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "The first line names the rights: full, user-mode only, or none.",
            "Exit code 0 when live mode works, 1 when it does not."
        })
public final class DoctorCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // Set by picocli before call().
    private CommandSpec spec;

    @Override
    public Integer call() {
        Diagnosis diagnosis = Doctor.examine();
        PrintWriter out = spec.commandLine().getOut();
        out.print(diagnosis.text());
        out.flush();
        return diagnosis.tier() == Tier.NONE ? ExitCode.FAILED : ExitCode.OK;
    }
}
