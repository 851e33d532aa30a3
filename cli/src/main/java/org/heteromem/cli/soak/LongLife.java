package org.heteromem.cli.soak;

import org.jspecify.annotations.Nullable;

/** Sees whether clients that have left leave something behind in their daemon, which lives on. */
final class LongLife {
    /** What a daemon opens and loads by and by, whoever its clients are. */
    private static final int BY_AND_BY_DESCRIPTORS = 8;

    /** After so many a daemon has compiled what it needs, and has collected its heap once. */
    private static final int SETTLED_CLIENTS = 40;

    /** More than it grows and shrinks by between collections. */
    private static final long GROWTH_BYTES = 32L << 20;

    private final Footprint alone;
    private long daemon;
    private int left;
    private @Nullable Footprint settled;
    private long mostBytes;

    /**
     * Begins.
     *
     * @param alone what a daemon has before its first client
     */
    LongLife(Footprint alone) {
        this.alone = alone;
    }

    /**
     * A client has left, well or not.
     *
     * @param pid of the daemon
     * @param now what that has
     */
    void clientHasLeft(long pid, Footprint now) {
        if (pid != daemon) {
            daemon = pid;
            left = 0;
            settled = null;
        }
        left++;
        mostBytes = Math.max(mostBytes, now.bytes());
        if (left == SETTLED_CLIENTS) {
            settled = now;
        }
    }

    long mostBytes() {
        return mostBytes;
    }

    /**
     * {@return what clients have left behind in a daemon that has none any more; empty if nothing}
     *
     * @param now what it has
     */
    String left(long pid, Footprint now) {
        if (now.descriptors() > alone.descriptors() + BY_AND_BY_DESCRIPTORS) {
            return "the daemon has " + now.descriptors() + " descriptors without a client; before its first it had "
                    + alone.descriptors();
        }
        Footprint then = settled;
        if (pid == daemon && then != null && now.bytes() > then.bytes() + GROWTH_BYTES) {
            return "the daemon has " + now + " after " + left + " clients, all of them gone; after " + SETTLED_CLIENTS
                    + " it had " + then;
        }
        return "";
    }
}
