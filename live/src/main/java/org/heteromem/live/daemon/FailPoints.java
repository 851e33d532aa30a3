package org.heteromem.live.daemon;

import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.heteromem.live.natives.PidFd;

/** Hears of each {@link FailPoint} that is passed. A test of recovery says at which of them a daemon ends itself. */
@FunctionalInterface
interface FailPoints {
    /** Nothing fails. */
    FailPoints NONE = point -> {};

    /** What a daemon says that ends itself, before the name of the point. */
    String SAID = "ends itself at ";

    /** A step was done and the next one was not. */
    void passed(FailPoint point);

    /** Whether daemons that take over fail in the same way. */
    default boolean inEveryLife() {
        return true;
    }

    /**
     * {@return points of which one ends the process}
     *
     * @param what {@code NAME:N} for the n-th passage in each daemon; {@code NAME/N} for a passage in each daemon with a chance of
     *     one in n, by which a takeover comes about in the end; {@code NAME} for the first passage in the first daemon, and none
     *     in a successor
     * @throws IllegalArgumentException if it is none of these
     */
    static FailPoints killAt(String what) {
        Matcher parts = Pattern.compile("([a-z-]+)(?:([:/])([1-9][0-9]{0,8}))?").matcher(what);
        if (!parts.matches()) {
            throw new IllegalArgumentException("--fail-at needs NAME, NAME:N or NAME/N, not '" + what + "'");
        }
        FailPoint at = FailPoint.of(parts.group(1));
        boolean once = parts.group(2) == null;
        int n = once ? 1 : Integer.parseInt(parts.group(3));
        AtomicLong left = new AtomicLong(n);
        BooleanSupplier now = "/".equals(parts.group(2))
                ? () -> ThreadLocalRandom.current().nextInt(n) == 0
                : () -> left.decrementAndGet() == 0;
        return new FailPoints() {
            @Override
            public void passed(FailPoint point) {
                if (point == at && now.getAsBoolean()) {
                    System.err.println(SAID + point.label());
                    // As hard as it gets: no shutdown hook, no finally.
                    try (PidFd self = PidFd.open(ProcessHandle.current().pid())) {
                        self.signal(PidFd.SIGNAL_KILL);
                    }
                }
            }

            @Override
            public boolean inEveryLife() {
                return !once;
            }
        };
    }
}
