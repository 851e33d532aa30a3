package org.heteromem.live.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.natives.Memfd;
import org.heteromem.live.natives.Poller;
import org.heteromem.live.natives.UnixSocket;
import org.heteromem.live.wire.Connection;
import org.heteromem.live.wire.Done;
import org.heteromem.live.wire.ErrorCode;
import org.heteromem.live.wire.Failure;
import org.heteromem.live.wire.Launch;
import org.heteromem.live.wire.MessageType;
import org.heteromem.live.wire.RangeRequest;
import org.heteromem.live.wire.RegisterRegion;
import org.heteromem.live.wire.Welcome;
import org.heteromem.live.wire.Wire;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Requests that nobody answers in time, or that a successor must be asked again. The daemon is played by the test. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ControlChannelTest {
    private static final int PATIENCE_SECONDS = 60;
    private static final int SUCCESSOR = 77;

    private final UnixSocket.Pair pair = UnixSocket.pair();
    private final ControlChannel channel = new ControlChannel(pair.left());
    private final Connection daemon = new Connection(pair.right());
    private final MemorySegment buffer = Connection.newBuffer(Arena.ofAuto());

    @AfterEach
    void close() {
        channel.close();
        daemon.close();
    }

    private CompletableFuture<Reply> evict(int ranges) {
        return channel.ask((to, correlation) -> {
            RangeRequest request = new RangeRequest().begin(to, MessageType.EVICT, correlation, 0);
            for (int i = 0; i < ranges; i++) {
                request.add(8192L * i, 4096);
            }
            return request;
        });
    }

    /** Takes the next request, and returns its correlation. */
    private long next() {
        Connection.Incoming incoming = daemon.receive().orElseThrow();
        incoming.descriptors().forEach(Fd::close);
        return incoming.message().correlation();
    }

    private void done(long correlation) {
        daemon.send(new Done().encode(buffer, correlation, 1, 0));
    }

    private void takeOver() {
        daemon.send(new Welcome().encode(buffer, 0, SUCCESSOR, 4096, 1, 4096, 4096, 1));
    }

    private static Reply reply(CompletableFuture<Reply> future) throws Exception {
        return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    @Test
    void noMoreRequestsAreUnderWayThanASocketHasRoomFor() throws Exception {
        int requests = 5 * ControlChannel.WINDOW;
        List<CompletableFuture<Reply>> replies = new ArrayList<>();
        Thread asking = Thread.ofPlatform().daemon().start(() -> {
            for (int i = 0; i < requests; i++) {
                replies.add(evict(1));
            }
        });
        Deque<Long> unanswered = new ArrayDeque<>();
        for (int i = 0; i < ControlChannel.WINDOW; i++) {
            unanswered.add(next());
        }
        Poller more = new Poller(1);
        more.add(daemon.socket().fd(), Poller.IN);
        while (asking.getState() != Thread.State.WAITING) {
            assertThat(more.poll(1)).as("requests beyond the window").isZero();
        }
        for (int i = ControlChannel.WINDOW; i < requests; i++) {
            done(unanswered.remove());
            unanswered.add(next());
        }
        unanswered.forEach(this::done);
        asking.join();
        for (CompletableFuture<Reply> reply : replies) {
            assertThat(reply(reply)).isEqualTo(new Reply.Done(1, 0));
        }
    }

    @Test
    void kernelsThatRunForLongKeepNobodyFromAsking() throws Exception {
        List<CompletableFuture<Reply>> running = new ArrayList<>();
        for (int i = 0; i < 2 * ControlChannel.WINDOW; i++) {
            running.add(channel.ask(
                    (to, correlation) -> new Launch().begin(to, correlation).target("", "a.B")));
            next();
        }
        CompletableFuture<Reply> other = evict(1);
        done(next());
        assertThat(reply(other)).isInstanceOf(Reply.Done.class);
        assertThat(running).noneMatch(CompletableFuture::isDone);
    }

    @Test
    void theEndAnswersAllWhoAskAndAllWhoWaitToAsk() throws Exception {
        List<CompletableFuture<Reply>> replies = new ArrayList<>();
        Thread asking = Thread.ofPlatform().daemon().start(() -> {
            for (int i = 0; i < 3 * ControlChannel.WINDOW; i++) {
                replies.add(evict(1));
            }
        });
        for (int i = 0; i < ControlChannel.WINDOW; i++) {
            next();
        }
        daemon.close();
        asking.join();
        for (CompletableFuture<Reply> reply : replies) {
            assertThat(reply(reply)).isInstanceOf(Reply.Lost.class);
        }
    }

    @Test
    void aRequestThatCannotBeAskedAgainIsRefusedAndTheOthersAreAsked() throws Exception {
        Memfd memory = Memfd.create("test", 4096);
        try (Memfd other = Memfd.create("test", 4096)) {
            CompletableFuture<Reply> first = evict(1);
            CompletableFuture<Reply> broken = channel.ask(
                    (to, correlation) -> new RegisterRegion().encode(to, correlation, 0, 1 << 20, 4096, ""),
                    memory.fd(),
                    other.fd());
            CompletableFuture<Reply> last = evict(1);
            int number = Wire.number(next());
            next();
            next();
            memory.close();
            takeOver();
            long again = next();
            assertThat(again).isEqualTo(Wire.correlation(SUCCESSOR, number));
            done(again);
            done(next());
            assertThat(reply(first)).isInstanceOf(Reply.Done.class);
            assertThat(reply(last)).isInstanceOf(Reply.Done.class);
            assertThat(reply(broken)).isInstanceOfSatisfying(Reply.Refused.class, refused -> {
                assertThat(refused.code()).isEqualTo(ErrorCode.INTERNAL);
                assertThat(refused.detail()).contains("successor could not be asked");
            });
            assertThat(channel.isOpen()).isTrue();
        } finally {
            memory.close();
        }
    }

    /** Both ends have more to say than the sockets take: one of them must read. */
    @Test
    void whatADaemonSaysIsReadWhileItIsAskedAgain() throws Exception {
        List<CompletableFuture<Reply>> replies = new ArrayList<>();
        for (int i = 0; i < ControlChannel.WINDOW; i++) {
            replies.add(evict(Wire.MAX_RANGES));
            next();
        }
        takeOver();
        for (int i = 0; i < 5000; i++) {
            daemon.send(new Failure().encode(buffer, 0, ErrorCode.INTERNAL, "notice " + i));
        }
        for (int i = 0; i < ControlChannel.WINDOW; i++) {
            done(next());
        }
        for (CompletableFuture<Reply> reply : replies) {
            assertThat(reply(reply)).isInstanceOf(Reply.Done.class);
        }
    }

    @Test
    void severalSuccessorsInARowAreEachAskedOnce() throws Exception {
        CompletableFuture<Reply> reply = evict(1);
        next();
        for (int pid = 100; pid < 150; pid++) {
            daemon.send(new Welcome().encode(buffer, 0, pid, 4096, 1, 4096, 4096, 1));
        }
        long last;
        do {
            last = next();
        } while (Wire.addressee(last) != 149);
        done(last);
        assertThat(reply(reply)).isInstanceOf(Reply.Done.class);
        CompletableFuture<Reply> following = evict(1);
        done(next());
        assertThat(reply(following)).isInstanceOf(Reply.Done.class);
    }
}
