package org.heteromem.cli.command;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.heteromem.live.ConnectionLostException;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Observer;
import org.heteromem.live.Options;
import org.heteromem.live.UnavailableException;
import org.heteromem.live.doctor.Doctor;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which daemon to look at. */
final class SocketOption {
    @Option(
            names = "--socket",
            paramLabel = "PATH",
            description = "Where the daemon listens (default: $" + Options.SOCKET_VARIABLE
                    + ", or $XDG_RUNTIME_DIR/heteromem/daemon.sock, or that of the only program that has one of its"
                    + " own).")
    private @Nullable Path socket;

    private @Nullable Path named() {
        String told = System.getenv(Options.SOCKET_VARIABLE);
        return socket != null ? socket : told != null && !told.isEmpty() ? Path.of(told) : null;
    }

    /** The one that was named, else this user's, else that of the only program with one of its own. */
    Observer connect() {
        Doctor.requireSystem();
        Path named = named();
        if (named != null) {
            return Observer.connect(named);
        }
        try {
            return Observer.connect(Heteromem.defaultSocket());
        } catch (UnavailableException none) {
            List<Path> others = others();
            if (others.isEmpty() || Files.exists(Heteromem.defaultSocket())) {
                throw none;
            }
            if (others.size() > 1) {
                throw new UnavailableException(
                        "there is no daemon at " + Heteromem.defaultSocket() + ", and " + others.size()
                                + " programs have one of their own; choose with --socket:\n"
                                + others.stream().map(path -> "  " + path).collect(Collectors.joining("\n")),
                        none);
            }
            return Observer.connect(others.getFirst());
        }
    }

    /** The one that was named, else the one with which a program has memory, else {@link #connect}. */
    Observer connectTo(int pid) {
        Doctor.requireSystem();
        if (named() == null) {
            for (Path at : Heteromem.daemonSockets()) {
                Observer observer = connectTo(at, pid);
                if (observer != null) {
                    return observer;
                }
            }
        }
        return connect();
    }

    private static @Nullable Observer connectTo(Path at, int pid) {
        Observer observer;
        try {
            observer = Observer.connect(at);
        } catch (UnavailableException _) {
            // Its daemon was killed, or is just ending.
            return null;
        }
        boolean has = false;
        try {
            has = observer.status().subjects().stream().skip(1).anyMatch(subject -> subject.pid() == pid);
            return has ? observer : null;
        } catch (ConnectionLostException | UnavailableException _) {
            // It has just ended; another one may have the program.
            return null;
        } finally {
            if (!has) {
                observer.close();
            }
        }
    }

    private static List<Path> others() {
        return Heteromem.daemonSockets().stream()
                .filter(path -> !path.equals(Heteromem.defaultSocket()))
                .toList();
    }
}
