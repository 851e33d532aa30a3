package org.heteromem.devices.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.heteromem.core.Page;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A process that writes to a store is killed (SIGKILL) at random moments; the next one takes over, and is killed. */
class SuddenEndTest {
    @TempDir
    @SuppressWarnings("NullAway.Init") // set by JUnit
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"compressed:1M", "compressed:zstd:2M", "file:DIR/pages:1M"})
    void everyPageHasItsLastContentsOrTheNextOnes(String text) throws Exception {
        long seed = Long.getLong("heteromem.seed", System.nanoTime());
        int kills = Integer.getInteger("heteromem.kills", 8);
        System.out.println("sudden end: -Dheteromem.seed=" + seed + " -Dheteromem.kills=" + kills);
        String spec = text.replace("DIR", directory.toString());
        SplittableRandom random = new SplittableRandom(seed);
        int checked = 0;
        for (int kill = 0; kill < kills; kill++) {
            runAndKill(spec, seed + kill * 2L, random.nextInt(1, 60));
            checked += check(spec, kill);
        }
        assertThat(checked).as("pages that were compared").isGreaterThan(kills * Victim.PAGES / 2);
    }

    private void runAndKill(String spec, long seed, long afterMillis) throws IOException, InterruptedException {
        Process victim = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        // The codec's native library is unpacked there, and who is killed does not clean up.
                        "-Djava.io.tmpdir=" + directory,
                        "-cp",
                        System.getProperty("java.class.path"),
                        Victim.class.getName(),
                        directory.toString(),
                        spec,
                        Long.toString(seed))
                .redirectErrorStream(true)
                .start();
        try (BufferedReader output = victim.inputReader()) {
            assertThat(output.readLine()).isEqualTo("ready");
            Thread.sleep(afterMillis);
        } finally {
            victim.destroyForcibly().waitFor();
        }
    }

    /** What a successor finds. The victim may be killed between any two of its stores. */
    private int check(String spec, int kill) {
        int compared = 0;
        try (Arena arena = Arena.ofShared()) {
            MappedMemory memory = new MappedMemory(directory, arena);
            MemorySegment notes = memory.memory(Victim.NOTES, Victim.NOTES_BYTES);
            MemorySegment target = arena.allocate(Page.SIZE);
            try (PageStore store = StorageSpec.parse(spec).open("s", memory)) {
                store.recover(_ -> true);
                for (int page = 0; page < Victim.PAGES; page++) {
                    long written = Victim.written(notes, page);
                    long begun = Victim.begun(notes, page);
                    if (begun == 0) {
                        continue;
                    }
                    boolean underWay = begun != written;
                    if (!store.holds(Page.address(page))) {
                        // The victim discards some before it writes.
                        assertThat(underWay)
                                .as("page %d may be without contents, kill %d", page, kill)
                                .isTrue();
                        continue;
                    }
                    store.read(Page.address(page), target, 0, Page.SIZE);
                    assertThat(Contents.same(target, 0, begun)
                                    || (underWay && written != 0 && Contents.same(target, 0, written)))
                            .as(
                                    "page %d has contents %d or, if its write was under way, %d; kill %d",
                                    page, begun, written, kill)
                            .isTrue();
                    compared++;
                }
            }
        }
        return compared;
    }
}
