package org.heteromem.proof.op;

import java.util.Arrays;

/**
 * What the model is told of a step beside the step: things that depend on where pages are or on how areas happen to be
 * joined, which it does not follow. Few, and each only widens or narrows what the model itself allows.
 */
public final class Facts {
    /** For a {@link Op.Hold}: whether page {@code i} of it turned out to be the shared zero page. */
    public final boolean[] zeroPage = new boolean[Op.PAGES];
    /** For a {@link Op.Remap}: pages whose area the range meets. */
    public final boolean[] sameArea = new boolean[Op.PAGES];
    /** For a {@link Op.Lose} or {@link Op.Damage}: what was hit, by slot and page. */
    public final boolean[][] lost = new boolean[Op.SPACES][Op.PAGES];
    /** Pages of which the core says that they are lost, where some had been damaged before; by slot and page. */
    public final boolean[][] gone = new boolean[Op.SPACES][Op.PAGES];
    /** For a {@link Op.Restart}: what a successor has mapped again, by slot and page. */
    public final boolean[][] restored = new boolean[Op.SPACES][Op.PAGES];
    /** What really came out. */
    public Outcome real = Outcome.OK;

    /** Makes facts of which none holds. */
    public Facts() {}

    /** Forgets all. */
    public void clear() {
        Arrays.fill(zeroPage, false);
        Arrays.fill(sameArea, false);
        for (int slot = 0; slot < Op.SPACES; slot++) {
            Arrays.fill(lost[slot], false);
            Arrays.fill(gone[slot], false);
            Arrays.fill(restored[slot], false);
        }
        real = Outcome.OK;
    }
}
