package org.heteromem.live.daemon;

import java.nio.file.Path;
import java.util.List;
import org.heteromem.policy.Policies;

/**
 * What a daemon was told at its start.
 *
 * @param socket where clients find it
 * @param ramBytes RAM for all clients together
 * @param clientRamBytes RAM for a client that names no figure
 * @param overflow devices for what does not fit, fastest first, as {@code kind:size}
 * @param onLoss what becomes of a client whose page cannot be produced
 * @param owner the only client of a private daemon, which ends with it; 0 for a daemon that serves everyone of its user
 * @param kernels class path of kernels that clients may launch
 * @param victims the name of the policy that says which pages leave RAM
 */
public record DaemonOptions(
        Path socket,
        long ramBytes,
        long clientRamBytes,
        List<String> overflow,
        OnLoss onLoss,
        int owner,
        List<Path> kernels,
        String victims) {
    /** Least RAM a client can have: less would not hold the pages of one instruction and those on their way. */
    public static final long MIN_RAM_BYTES = 1L << 20;

    /** What becomes of a client whose page cannot be produced. */
    public enum OnLoss {
        /** It is ended, as Linux's SIGBUS would. */
        KILL,
        /** The page is poisoned: a touch becomes an {@code InternalError}, late and without an address. */
        THROW
    }

    /** The same with the victim policy of who names none. */
    public DaemonOptions(
            Path socket,
            long ramBytes,
            long clientRamBytes,
            List<String> overflow,
            OnLoss onLoss,
            int owner,
            List<Path> kernels) {
        this(socket, ramBytes, clientRamBytes, overflow, onLoss, owner, kernels, Policies.DEFAULT_VICTIMS);
    }

    /** Checks what can be checked. */
    public DaemonOptions {
        // Now, and not when the first client comes.
        Policies.victims(victims);
        overflow = List.copyOf(overflow);
        kernels = List.copyOf(kernels);
        if (clientRamBytes < MIN_RAM_BYTES || ramBytes < clientRamBytes) {
            throw new IllegalArgumentException("a client gets " + clientRamBytes + " bytes of " + ramBytes
                    + " bytes of RAM: at least " + MIN_RAM_BYTES + " are needed, and not more than there is");
        }
    }
}
