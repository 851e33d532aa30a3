package org.heteromem.live.daemon;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.heteromem.live.natives.PidFd;

/**
 * The moments between two steps that change what the kernel or a successor knows: where a daemon that is killed leaves the
 * most to be found. A test of recovery says at which of them the daemon shall end itself.
 */
@FunctionalInterface
interface FailPoints {
    /** Nothing fails. */
    FailPoints NONE = point -> {};

    /**
     * A step was done and the next one was not.
     *
     * @param point which, a name of this class
     */
    void passed(String point);

    /** Whether daemons that take over fail in the same way. */
    default boolean inEveryLife() {
        return true;
    }

    /** Pages are write-protected; their contents are not copied yet. */
    String PROTECTED = "protected";
    /** Contents are complete on the device; the ledger does not know. */
    String COPIED = "copied";
    /** The ledger names the device; the pages are still there. */
    String LEFT_NOTED = "left-noted";
    /** The holes are punched; the core still has the pages locked. */
    String LEFT_PUNCHED = "left-punched";
    /** Pages are placed and the client uses them; the ledger still names the device. */
    String ARRIVED_PLACED = "arrived-placed";
    /** The ledger is clear; the device still holds the old contents. */
    String ARRIVED_NOTED = "arrived-noted";
    /** Write protection is lifted from pages that stayed. */
    String STAYED = "stayed";
    /** A page of zeros was placed. */
    String ZEROED = "zeroed";
    /** Pages that are given up are out of the ledger; they are still there. */
    String DROP_NOTED = "drop-noted";
    /** They are gone; their slots on the device are not free yet. */
    String DROP_PUNCHED = "drop-punched";
    /** A region is mapped; the keeper does not have it. */
    String REGISTERED = "registered";
    /** The keeper has it; the client was not told. */
    String REGISTER_HELD = "register-held";
    /** Memory was freed; the client was not told. */
    String FREED = "freed";

    /** All of them. */
    List<String> ALL = List.of(
            PROTECTED,
            COPIED,
            LEFT_NOTED,
            LEFT_PUNCHED,
            ARRIVED_PLACED,
            ARRIVED_NOTED,
            STAYED,
            ZEROED,
            DROP_NOTED,
            DROP_PUNCHED,
            REGISTERED,
            REGISTER_HELD,
            FREED);

    /**
     * Checks an argument of {@link #killAt}.
     *
     * @throws IllegalArgumentException if it names no point or no number
     */
    static void check(String what) {
        String name = what.substring(0, what.indexOf(':') < 0 ? what.length() : what.indexOf(':'));
        if (!ALL.contains(name) || !what.matches("[a-z-]+(:[1-9][0-9]{0,9})?")) {
            throw new IllegalArgumentException("--fail-at needs NAME:N with one of " + ALL + ", not '" + what + "'");
        }
    }

    /**
     * {@return points of which one ends the process when it is passed for the n-th time}
     *
     * @param what {@code NAME:N}, or {@code NAME} for the first passage in the first daemon, and in no successor
     */
    static FailPoints killAt(String what) {
        int colon = what.indexOf(':');
        String name = colon < 0 ? what : what.substring(0, colon);
        AtomicLong left = new AtomicLong(colon < 0 ? 1 : Long.parseLong(what.substring(colon + 1)));
        return new FailPoints() {
            @Override
            public void passed(String point) {
                if (point.equals(name) && left.decrementAndGet() == 0) {
                    // As hard as it gets: no shutdown hook, no finally.
                    try (PidFd self = PidFd.open(ProcessHandle.current().pid())) {
                        self.signal(PidFd.SIGNAL_KILL);
                    }
                }
            }

            @Override
            public boolean inEveryLife() {
                return colon >= 0;
            }
        };
    }
}
