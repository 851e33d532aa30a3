package org.heteromem.live.client;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.heteromem.live.Options;
import org.heteromem.live.UnavailableException;
import org.heteromem.live.doctor.Diagnosis;
import org.heteromem.live.doctor.Doctor;
import org.heteromem.live.doctor.Tier;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.Platform;
import org.heteromem.live.natives.Processes;
import org.heteromem.live.natives.Uffdio;
import org.heteromem.live.natives.UnixSocket;
import org.heteromem.live.natives.Userfault;

/** Finds out whether this machine can, chooses the daemon (the order is that of {@link Options}), and connects to it. */
public final class Connecting {
    /** What has been opened, and what it may do. */
    public record Opened(Session session, Tier tier) {}

    private static final int ROOT = 0;

    private final Map<String, String> environment;
    private final Sockets sockets;
    private final Supplier<Userfault> userfault;
    private final Supplier<Diagnosis> doctor;

    /** Where this process is. */
    public Connecting() {
        this(System.getenv(), Sockets.ofThisProcess(), () -> Userfault.open(Uffdio.REQUIRED_FEATURES), Doctor::examine);
    }

    /** Elsewhere. */
    Connecting(
            Map<String, String> environment,
            Sockets sockets,
            Supplier<Userfault> userfault,
            Supplier<Diagnosis> doctor) {
        this.environment = environment;
        this.sockets = sockets;
        this.userfault = userfault;
        this.doctor = doctor;
    }

    /**
     * Opens memory.
     *
     * @throws UnavailableException if the machine does not allow it, or there is no daemon and none can be started
     * @throws org.heteromem.live.RefusedException if the daemon does not want this client
     */
    public Opened open(Options options) {
        Tier tier = tier();
        Optional<Path> told = options.socket()
                .or(() -> Optional.ofNullable(environment.get(Options.SOCKET_VARIABLE))
                        .filter(path -> !path.isEmpty())
                        .map(Path::of));
        if (told.isPresent()) {
            return new Opened(greet(connect(told.get()), told.get(), options), tier);
        }
        if (!wantsOwn(options)) {
            Path path = sockets.defaultSocket();
            Optional<UnixSocket> running = connectIfRunning(path);
            if (running.isPresent()) {
                requireTrusted(running.get(), path);
                return new Opened(greet(running.get(), path, options), tier);
            }
        }
        return new Opened(startPrivate(options), tier);
    }

    /** What this process may do; the machine's trouble in the doctor's words. */
    private Tier tier() {
        if (Platform.current().isEmpty()) {
            throw new UnavailableException(doctor.get().refusal());
        }
        try (Userfault tried = userfault.get()) {
            return tried.rights().orElseThrow() == Userfault.Rights.FULL ? Tier.FULL : Tier.USER_MODE_ONLY;
        } catch (NativeException e) {
            Diagnosis diagnosis = doctor.get();
            throw new UnavailableException(
                    diagnosis.tier() == Tier.NONE
                            ? diagnosis.refusal()
                            : "page faults cannot be served now, though this machine allows it: " + e.getMessage(),
                    e);
        }
    }

    /** Whether something is given that only a daemon of one's own can be told. */
    private static boolean wantsOwn(Options options) {
        return !options.overflow().isEmpty()
                || options.onLoss().isPresent()
                || options.victims().isPresent()
                || options.acceleratorBytes().isPresent()
                || !options.kernels().isEmpty();
    }

    private static UnixSocket connect(Path path) {
        try {
            return UnixSocket.connect(path);
        } catch (NativeException e) {
            throw new UnavailableException(
                    "there is no daemon at " + path + " (" + e.getMessage() + "); start one with: heteromem daemon", e);
        }
    }

    private static Optional<UnixSocket> connectIfRunning(Path path) {
        try {
            return Optional.of(UnixSocket.connect(path));
        } catch (NativeException e) {
            if (e.errno() == Errno.ENOENT || e.errno() == Errno.ECONNREFUSED) {
                return Optional.empty();
            }
            throw new UnavailableException("the daemon at " + path + " cannot be reached: " + e.getMessage(), e);
        }
    }

    /** A daemon reads and writes its clients' memory: one that was not named must be this user's, or the system's. */
    private static void requireTrusted(UnixSocket socket, Path path) {
        int owner = socket.peer().uid();
        if (owner != ROOT && owner != Processes.effectiveUserId()) {
            socket.close();
            throw new UnavailableException("the daemon at " + path + " belongs to user id " + owner
                    + " and could read this program's memory; if that is meant, name it with Options.socket or "
                    + Options.SOCKET_VARIABLE);
        }
    }

    private Session startPrivate(Options options) {
        PrivateDaemon daemon = PrivateDaemon.start(options, sockets);
        UnixSocket socket = daemon.connect();
        boolean done = false;
        try {
            Session session =
                    Session.greet(socket, daemon.socket(), Optional.of(daemon), options.ramBytes(), name(options));
            done = true;
            return session;
        } finally {
            if (!done) {
                daemon.close();
            }
        }
    }

    private static Session greet(UnixSocket socket, Path path, Options options) {
        return Session.greet(socket, path, Optional.empty(), options.ramBytes(), name(options));
    }

    /** The program's name: as given, or its main class or jar. */
    private static String name(Options options) {
        return options.name().orElseGet(() -> {
            String command = System.getProperty("sun.java.command", "java").split(" ", 2)[0];
            String last = command.substring(command.lastIndexOf('/') + 1).replaceAll("\\p{Cntrl}", " ");
            return last.substring(0, Math.min(last.length(), Options.MAX_NAME_BYTES / 3)); // three bytes a char at most
        });
    }
}
