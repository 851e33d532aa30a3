package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.heteromem.live.Heteromem;
import org.heteromem.live.Options;
import org.heteromem.live.keeper.KeeperMain;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A daemon whose clients come and go. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ManyClientsTest {
    private static final int CLIENTS = 40;
    private static final long RAM = 1 << 20;

    @TempDir
    private Path directory;

    @Test
    void itsHeapIsCollectedWhenSomeHaveLeft() throws IOException, InterruptedException {
        Path socket = directory.resolve("s");
        File log = directory.resolve("log").toFile();
        Process daemon = Jvm.startWith(
                List.of("-Xlog:gc"), DaemonMain.class, log, "--socket", socket, "--ram", RAM, "--overflow", "ram:4M");
        try {
            awaitLog(daemon, log, "listens at");
            for (int i = 0; i < CLIENTS; i++) {
                // All the RAM that there is, of which the one before may just be giving back the last.
                try (Heteromem memory = Heteromem.open(Options.ram(RAM).socket(socket));
                        Arena arena = memory.arena()) {
                    arena.allocate(2 * RAM, 8).fill((byte) i);
                }
            }
            awaitLog(daemon, log, "Pause Full \\(System.gc\\(\\)\\)");
            awaitLog(daemon, log, "client " + CLIENTS + " \\(.* has left");
        } finally {
            daemon.destroy(); // it takes its keeper along
            daemon.waitFor();
            while (Jvm.running(KeeperMain.class, socket.toString()).findAny().isPresent()) {
                TimeUnit.MILLISECONDS.sleep(10);
            }
        }
    }

    private static void awaitLog(Process daemon, File log, String words) throws InterruptedException {
        Pattern pattern = Pattern.compile(words);
        for (int tries = 0; !pattern.matcher(Jvm.text(log)).find(); tries++) {
            assertThat(daemon.isAlive() && tries < 3000).as(() -> Jvm.text(log)).isTrue();
            TimeUnit.MILLISECONDS.sleep(10);
        }
    }
}
