package org.heteromem.proof.run;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.heteromem.proof.op.Op;
import org.jspecify.annotations.Nullable;

/** Leaves out steps of a failing run as long as it fails (delta debugging): pieces first, single steps last. */
final class Shrinker {
    private static final int MOST_TRIES = 5_000;

    private final Function<List<Op>, @Nullable Failure> attempt;
    private int tries;

    /** Takes what runs steps and says whether they fail. */
    Shrinker(Function<List<Op>, @Nullable Failure> attempt) {
        this.attempt = attempt;
    }

    /** Runs steps as a found failure was run. */
    static Shrinker like(Failure found) {
        return new Shrinker(ops -> {
            Replay replay = Replay.of(ops);
            return (found.trouble() > 0 ? replay.trouble(found.seed(), found.trouble()) : replay).run();
        });
    }

    Failure shrink(Failure found) {
        Failure best = retry(found.ops(), found);
        if (best == null) {
            return found;
        }
        int piece = Math.max(1, best.ops().size() / 2);
        while (tries < MOST_TRIES) {
            boolean smaller = false;
            for (int at = 0; at < best.ops().size() && tries < MOST_TRIES; ) {
                List<Op> rest = new ArrayList<>(best.ops());
                rest.subList(at, Math.min(rest.size(), at + piece)).clear();
                Failure again = retry(rest, found);
                if (again != null) {
                    best = again;
                    smaller = true;
                } else {
                    at += piece;
                }
            }
            if (!smaller && piece == 1) {
                break;
            }
            piece = smaller ? Math.min(piece, Math.max(1, best.ops().size() / 2)) : piece / 2;
        }
        return best;
    }

    private @Nullable Failure retry(List<Op> ops, Failure found) {
        tries++;
        Failure again = attempt.apply(ops);
        return again == null ? null : new Failure(found.seed(), found.trouble(), again.ops(), again.message());
    }
}
