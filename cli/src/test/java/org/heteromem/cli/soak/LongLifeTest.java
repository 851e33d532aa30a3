package org.heteromem.cli.soak;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A soak sees what clients leave behind in a daemon. */
class LongLifeTest {
    private static final long DAEMON = 17;
    private static final int MANY = 200;

    private final LongLife life = new LongLife(mebibytes(40, 30));

    private static Footprint mebibytes(long number, long descriptors) {
        return new Footprint(number << 20, descriptors);
    }

    @Test
    void aDaemonThatStaysAsItWasIsWell() {
        for (int i = 0; i < MANY; i++) {
            life.clientHasLeft(DAEMON, mebibytes(60 + i % 5, 45));
        }
        assertThat(life.left(DAEMON, mebibytes(64, 32))).isEmpty();
        assertThat(life.mostBytes()).isEqualTo(64L << 20);
    }

    @Test
    void aDescriptorOfEachClientIsSeen() {
        assertThat(life.left(DAEMON, mebibytes(64, 30 + 9)))
                .contains("39 descriptors without a client")
                .endsWith("30");
    }

    @Test
    void halfAMebibyteOfEachClientIsSeen() {
        for (int i = 0; i < MANY; i++) {
            life.clientHasLeft(DAEMON, mebibytes(60 + i / 2, 45));
        }
        assertThat(life.left(DAEMON, mebibytes(159, 32)))
                .isEqualTo("the daemon has 159 MiB of its own, 32 descriptors after 200 clients, all of them gone;"
                        + " after 40 it had 79 MiB of its own, 45 descriptors");
    }

    @Test
    void aSuccessorBeginsAnew() {
        for (int i = 0; i < MANY; i++) {
            life.clientHasLeft(DAEMON, mebibytes(40, 45));
        }
        assertThat(life.left(DAEMON + 1, mebibytes(90, 32))).isEmpty();
    }

    @Test
    void whatAProcessHasIsCounted(@TempDir Path folder) throws IOException {
        long me = ProcessHandle.current().pid();
        Footprint before = Footprint.of(me);
        assertThat(before.bytes()).isBetween(1L << 20, 1L << 40);
        List<FileChannel> open = new ArrayList<>();
        Path file = Files.createFile(folder.resolve("file"));
        for (int i = 0; i < MANY; i++) {
            open.add(FileChannel.open(file));
        }
        try {
            assertThat(Footprint.of(me).descriptors()).isGreaterThan(before.descriptors() + MANY / 2);
        } finally {
            for (FileChannel one : open) {
                one.close();
            }
        }
    }
}
