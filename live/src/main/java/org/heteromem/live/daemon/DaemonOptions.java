package org.heteromem.live.daemon;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.heteromem.devices.storage.FaultAround;
import org.heteromem.policy.Policies;

/**
 * What a daemon was told at its start.
 *
 * @param socket where clients find it
 * @param ramBytes RAM for all clients together
 * @param clientRamBytes RAM for a client that names no figure
 * @param overflow devices for what does not fit, fastest first, as {@code kind:size}
 * @param onLoss what becomes of a client whose page cannot be produced
 * @param owner the process with which it ends; 0 for a daemon that serves everyone of its user
 * @param kernels class path of kernels that clients may launch
 * @param victims the name of the policy that says which pages leave RAM
 * @param devices devices that compute, as {@code accelerator:SIZE}; at most one, and each client has its own
 * @param faultAround how many pages come home for one touch: a power of two from 1 to 512, always that many (aligned); or
 *     0 for one at a time and more when touches are sequential
 * @param ending when a daemon with an owner ends
 */
public record DaemonOptions(
        Path socket,
        long ramBytes,
        long clientRamBytes,
        List<String> overflow,
        OnLoss onLoss,
        int owner,
        List<Path> kernels,
        String victims,
        List<String> devices,
        int faultAround,
        Ending ending) {
    /** Least RAM a client can have: less would not hold the pages of one instruction and those on their way. */
    public static final long MIN_RAM_BYTES = 1L << 20;

    /** When a daemon with an owner ends. */
    public enum Ending {
        /** With the owner, which is its client, and before when that has left: it has no other. */
        WITH_ITS_CLIENT,
        /** When the owner has ended, and then the last client has left. */
        AFTER_ITS_CLIENTS
    }

    /** What becomes of a client whose page cannot be produced. */
    public enum OnLoss {
        /** It is ended, as Linux's SIGBUS would. */
        KILL,
        /** The page is poisoned: a touch becomes an {@code InternalError}, late and without an address. */
        THROW
    }

    /** Without what few name. */
    public DaemonOptions(
            Path socket, long ramBytes, long clientRamBytes, List<String> overflow, OnLoss onLoss, int owner) {
        this(
                socket,
                ramBytes,
                clientRamBytes,
                overflow,
                onLoss,
                owner,
                List.of(),
                Policies.DEFAULT_VICTIMS,
                List.of(),
                0,
                Ending.WITH_ITS_CLIENT);
    }

    /** What few name, to be changed before others see it. */
    private static final class Rest {
        List<Path> kernels;
        String victims;
        List<String> devices;
        int faultAround;
        Ending ending;

        Rest(DaemonOptions from) {
            kernels = from.kernels;
            victims = from.victims;
            devices = from.devices;
            faultAround = from.faultAround;
            ending = from.ending;
        }
    }

    private DaemonOptions with(Consumer<Rest> change) {
        Rest rest = new Rest(this);
        change.accept(rest);
        return new DaemonOptions(
                socket,
                ramBytes,
                clientRamBytes,
                overflow,
                onLoss,
                owner,
                rest.kernels,
                rest.victims,
                rest.devices,
                rest.faultAround,
                rest.ending);
    }

    /** {@return the same with other kernels} */
    public DaemonOptions withKernels(List<Path> paths) {
        return with(rest -> rest.kernels = paths);
    }

    /** {@return the same with another victim policy} */
    public DaemonOptions withVictims(String policy) {
        return with(rest -> rest.victims = policy);
    }

    /** {@return the same with other devices that compute} */
    public DaemonOptions withDevices(List<String> specs) {
        return with(rest -> rest.devices = specs);
    }

    /** {@return the same with as many pages coming home for one touch} */
    public DaemonOptions withFaultAround(int pages) {
        return with(rest -> rest.faultAround = pages);
    }

    /** {@return the same with another end} */
    public DaemonOptions withEnding(Ending other) {
        return with(rest -> rest.ending = other);
    }

    /** Checks what can be checked. */
    public DaemonOptions {
        // Now, and not when the first client comes.
        Policies.victims(victims);
        if (faultAround != 0) {
            FaultAround.fixed(faultAround);
        }
        overflow = List.copyOf(overflow);
        kernels = List.copyOf(kernels);
        devices = List.copyOf(devices);
        devices.forEach(ComputeDevice::parse);
        if (devices.size() > 1) {
            throw new IllegalArgumentException("devices " + devices + ": a client can have one that computes");
        }
        Kernels.check(kernels);
        if (clientRamBytes < MIN_RAM_BYTES || ramBytes < clientRamBytes) {
            throw new IllegalArgumentException("a client gets " + clientRamBytes + " bytes of " + ramBytes
                    + " bytes of RAM: at least " + MIN_RAM_BYTES + " are needed, and not more than there is");
        }
    }
}
