package org.heteromem.proof.run;

import java.util.ArrayList;
import java.util.List;
import org.heteromem.proof.op.Op;
import org.heteromem.proof.op.OpText;
import org.heteromem.proof.world.Trouble;
import org.jspecify.annotations.Nullable;

/** Given steps, done again in a fresh world and a fresh model, with every check after every step. */
public final class Replay {
    private final List<Op> ops;
    private final long seed;
    private final double trouble;

    private Replay(List<Op> ops, long seed, double trouble) {
        this.ops = ops;
        this.seed = seed;
        this.trouble = trouble;
    }

    /**
     * {@return a replay of a text}
     *
     * @param text one step a line, as {@link OpText} writes them
     */
    public static Replay of(String text) {
        return new Replay(OpText.parse(text), 0, 0);
    }

    /**
     * {@return a replay of steps}
     *
     * @param ops the steps
     */
    public static Replay of(List<Op> ops) {
        return new Replay(List.copyOf(ops), 0, 0);
    }

    /**
     * {@return the same with faults injected}
     *
     * @param with the seed of their choice
     * @param probability that a point at which something can fail does
     */
    public Replay trouble(long with, double probability) {
        return new Replay(ops, with, probability);
    }

    /** {@return what was different, or null} */
    public @Nullable Failure run() {
        List<Op> done = new ArrayList<>();
        Trouble faults = trouble > 0 ? Trouble.random(seed, trouble) : Trouble.none();
        try (Comparison both = new Comparison(faults, null)) {
            for (Op op : ops) {
                if (!both.applies(op)) {
                    continue;
                }
                done.add(op);
                String different = both.step(op);
                different = different == null ? both.check() : different;
                different = different == null ? both.compareAll() : different;
                if (different != null) {
                    return new Failure(seed, trouble, done, different);
                }
            }
            String different = both.end();
            return different == null || done.isEmpty() ? null : new Failure(seed, trouble, done, different);
        } catch (IllegalStateException e) {
            // Closing a world that is broken fails; the failure has been found already.
            if (done.isEmpty()) {
                throw e;
            }
            return new Failure(seed, trouble, done, "could not be closed: " + e.getMessage());
        }
    }

    /**
     * Runs.
     *
     * @throws AssertionError with what was different
     */
    public void assertSame() {
        Failure failure = run();
        if (failure != null) {
            throw new AssertionError(failure.toString());
        }
    }
}
