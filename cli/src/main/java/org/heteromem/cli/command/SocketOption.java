package org.heteromem.cli.command;

import java.nio.file.Path;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Observer;
import org.heteromem.live.Options;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which daemon to look at. */
final class SocketOption {
    @Option(
            names = "--socket",
            paramLabel = "PATH",
            description = "Where the daemon listens (default: $" + Options.SOCKET_VARIABLE
                    + ", or $XDG_RUNTIME_DIR/heteromem/daemon.sock).")
    private @Nullable Path socket;

    Observer connect() {
        String told = System.getenv(Options.SOCKET_VARIABLE);
        return Observer.connect(
                socket != null ? socket : told != null && !told.isEmpty() ? Path.of(told) : Heteromem.defaultSocket());
    }
}
