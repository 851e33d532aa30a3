package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.heteromem.live.wire.Failure;
import org.heteromem.live.wire.Message;
import org.heteromem.live.wire.MessageType;
import org.heteromem.live.wire.Query;
import org.heteromem.live.wire.RangeRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A client that stands still for a while, with more answers under way than a socket takes. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SlowClientTest {
    private static final int REQUESTS = 2000;

    @TempDir
    private Path directory;

    @Test
    void getsAllAnswersWhenItReadsAgain() throws IOException, InterruptedException {
        DaemonOptions options =
                new DaemonOptions(directory.resolve("s"), 8 << 20, 1 << 20, List.of(), DaemonOptions.OnLoss.KILL, 0);
        Thread serving;
        Consumer<String> out = System.out::println;
        try (Daemon daemon = new Daemon(options, out)) {
            serving = Thread.ofPlatform().start(daemon::run);
            try (RawClient client = RawClient.greet(options.socket(), 1 << 20, "slow")) {
                CompletableFuture<Void> asking = CompletableFuture.runAsync(() -> {
                    RangeRequest evict = new RangeRequest();
                    Query status = new Query();
                    for (int i = 1; i <= REQUESTS; i++) {
                        Message request = i % 2 == 0
                                ? evict.begin(client.buffer, MessageType.EVICT, 1000 + i, 7)
                                        .add(0, 4096)
                                : status.encode(client.buffer, MessageType.STATUS, 1000 + i, 1);
                        client.connection.send(request);
                    }
                });
                TimeUnit.MILLISECONDS.sleep(500); // by then nothing goes in either direction any more
                for (int i = 1; i <= REQUESTS; i++) {
                    Message answer = client.answer().orElseThrow();
                    assertThat(answer.correlation()).isEqualTo(1000 + i);
                    assertThat(((Failure) answer).detail()).contains(i % 2 == 0 ? "no region 7" : "process 1 has");
                }
                asking.join();
                client.alive();
            }
        }
        serving.join();
    }
}
