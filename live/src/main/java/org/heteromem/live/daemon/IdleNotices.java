package org.heteromem.live.daemon;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import org.heteromem.core.Page;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.Poller;
import org.heteromem.live.wire.Connection;
import org.heteromem.live.wire.MessageType;
import org.heteromem.live.wire.RangeRequest;

/**
 * Asks a client to take pages out of its own page table, which nobody else can do and leave them where they are: the next
 * use of each is then a fault that the daemon sees. Only hints: a client that does not read has most of its socket left for
 * answers, and one that does not do it has no access sampling. Thread-safe.
 */
final class IdleNotices {
    /** Ranges in one message: small, beside answers that must fit into the socket as well. */
    private static final int MOST_RANGES = 128;

    /** Errors of a send after which there is no connection. */
    private static final Set<Integer> ENDS = Set.of(Errno.EPIPE, Errno.ECONNRESET, Errno.ENOTCONN, Errno.EBADF);

    private final Connection connection;
    private final MemorySegment buffer = Connection.newBuffer(Arena.ofAuto());
    private final RangeRequest message = new RangeRequest();
    private final Poller poller = new Poller(1);
    private boolean ended;

    IdleNotices(Connection connection) {
        this.connection = connection;
        poller.add(connection.socket().fd(), Poller.OUT);
    }

    /**
     * Tells of pages of one region, as far as the client reads; the others are not worth waiting for.
     *
     * @param pages page numbers in ascending order, all of the region
     * @param from first place in the array
     * @param to end in the array
     */
    synchronized void tell(Region region, long[] pages, int from, int to) {
        try {
            for (int i = from; i < to && mayTell(); ) {
                message.begin(buffer, MessageType.IDLE, 0, region.id);
                for (int ranges = 0; ranges < MOST_RANGES && i < to; ranges++) {
                    int run = i + 1;
                    while (run < to && pages[run] == pages[run - 1] + 1) {
                        run++;
                    }
                    message.add(Page.address(region.index(pages[i])), Page.address(run - i));
                    i = run;
                }
                connection.trySend(message);
            }
        } catch (NativeException e) {
            // Hints less. Where the client has ended its session hears of that, and says so.
            ended = ENDS.contains(e.errno());
        }
    }

    /** A socket of this kind takes more, by a poll, while no more than a quarter of it is in use. */
    private boolean mayTell() {
        if (ended) {
            return false;
        }
        poller.poll(0);
        return (poller.ready(0) & Poller.OUT) != 0;
    }
}
