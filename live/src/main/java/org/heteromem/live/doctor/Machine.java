package org.heteromem.live.doctor;

import java.nio.file.Path;
import java.util.Optional;
import org.heteromem.live.natives.Userfault;

/** What the doctor looks at, so that bad machines can be shown to it. {@link LinuxMachine} is the real one. */
interface Machine {
    /** Value of {@code os.name}. */
    String osName();

    /** Value of {@code os.arch}. */
    String osArch();

    /** Text of a file; empty if it is not there or cannot be read. */
    Optional<String> text(Path file);

    /** Tries to open a userfaultfd. */
    Userfault.Probe probe(Userfault.Route route);

    /** Tries to create a memfd and to seal it as regions are sealed; empty if that works, else what went wrong. */
    Optional<String> memfdTrouble();

    /** Bytes of a page. */
    int pageBytes();
}
