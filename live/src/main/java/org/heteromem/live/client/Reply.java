package org.heteromem.live.client;

import java.util.List;
import java.util.Map;
import org.heteromem.live.ConnectionLostException;
import org.heteromem.live.HeteromemException;
import org.heteromem.live.RefusedException;
import org.heteromem.live.wire.ErrorCode;

/**
 * What came of a request, copied out of the message that said so.
 *
 * <p>Trouble is a value here and becomes an exception where somebody waits for it, so that its stack trace is that of who
 * asked.
 */
public sealed interface Reply {
    /** {@code DONE}. */
    record Done(long value, long skipped) implements Reply {}

    /** {@code WELCOME}: see {@link org.heteromem.live.wire.Welcome}. */
    record Limits(int daemonPid, long client, long ramBytes, long maxRegionBytes, int maxRegions) implements Reply {}

    /** One {@code COUNTERS}. */
    record Table(int pid, String subject, Map<String, Long> entries) {}

    /** One {@code COUNTERS} or several. */
    record Tables(List<Table> tables) implements Reply {}

    /** {@code TEXT}. */
    record Words(String text) implements Reply {}

    /** {@code ERROR}. */
    record Refused(ErrorCode code, String detail) implements Reply {}

    /** No answer will come. */
    record Lost(String how) implements Reply {}

    /**
     * The reply, if it is of the kind that the request has.
     *
     * @param what what was asked, for the error: {@code cannot WHAT: ...}
     * @throws RefusedException if the daemon refused
     * @throws ConnectionLostException if no answer will come
     */
    default <R extends Reply> R expect(Class<R> kind, String what) {
        return switch (this) {
            case Refused refused ->
                throw new RefusedException("cannot " + what + ": " + refused.detail, refused.code.name());
            case Lost lost -> throw new ConnectionLostException("cannot " + what + ": " + lost.how);
            default -> {
                if (!kind.isInstance(this)) {
                    throw new HeteromemException("cannot " + what + ": the daemon answered with a "
                            + getClass().getSimpleName() + " instead of a " + kind.getSimpleName()
                            + "; is it of another version?");
                }
                yield kind.cast(this);
            }
        };
    }
}
