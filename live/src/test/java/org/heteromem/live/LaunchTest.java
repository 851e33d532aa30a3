package org.heteromem.live;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import javax.tools.ToolProvider;
import org.heteromem.live.kernels.Add;
import org.heteromem.live.kernels.Echo;
import org.heteromem.live.kernels.Endless;
import org.heteromem.live.kernels.Scale;
import org.heteromem.live.kernels.Throw;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Kernels on live memory: what a program sees of them. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LaunchTest {
    private static final long RAM = 4L << 20;
    private static final long DEVICE = 2L << 20;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static Heteromem memory;

    @BeforeAll
    static void open() throws Exception {
        memory = Heteromem.open(options());
    }

    @AfterAll
    static void close() {
        memory.close();
    }

    private static Options options() throws Exception {
        return Options.ram(RAM)
                .overflow("compressed", 64L << 20)
                .accelerator(DEVICE)
                .kernels(classes());
    }

    private static Path classes() throws Exception {
        return Path.of(
                Add.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    }

    @Test
    void aKernelWorksOnMoreThanItsDeviceAndRamHold() {
        try (Arena arena = memory.arena()) {
            int count = (int) (4 * RAM / 8);
            MemorySegment vector = arena.allocate(count * 8L, 8);
            for (int i = 0; i < count; i++) {
                vector.setAtIndex(JAVA_LONG, i, i * 7L);
            }
            for (int round = 1; round <= 3; round++) {
                memory.launch(Add.class.getName(), vector, count, 11);
                assertThat(memory.residency(vector).devices().get("accelerator"))
                        .isPositive();
                for (int i = 0; i < count; i++) {
                    if (vector.getAtIndex(JAVA_LONG, i) != i * 7L + 11L * round) {
                        assertThat(vector.getAtIndex(JAVA_LONG, i))
                                .as("long " + i)
                                .isEqualTo(i * 7L + 11L * round);
                    }
                }
            }
        }
    }

    @Test
    void aKernelMakesPagesThatNobodyHasTouched() {
        try (Arena arena = memory.arena()) {
            int count = 1 << 16;
            MemorySegment vector = arena.allocate(count * 8L, 8);
            memory.launch(Add.class.getName(), vector, count, 3);
            for (int i = 0; i < count; i++) {
                assertThat(vector.getAtIndex(JAVA_LONG, i)).isEqualTo(3);
            }
        }
    }

    @Test
    void doublesAndRangesAreArguments() {
        try (Arena arena = memory.arena()) {
            MemorySegment vector = arena.allocateFrom(JAVA_DOUBLE, 1, 2, 3);
            memory.launchAsync(Scale.class.getName(), vector, 2.5).join();
            assertThat(vector.toArray(JAVA_DOUBLE)).containsExactly(2.5, 5, 7.5);
        }
    }

    @Test
    void aThreadThatLooksAllTheTimeDoesNotKeepADeviceFromAnswering() {
        try (Arena arena = memory.arena()) {
            MemorySegment words = arena.allocate(4096, 4096);
            int last = 50;
            CompletableFuture<Void> kernel = memory.launchAsync(Echo.class.getName(), words, last);
            for (long i = 1; i <= last; i++) {
                words.setAtIndex(JAVA_LONG, 0, i);
                while ((long) JAVA_LONG.varHandle().getVolatile(words, 8L) != i) {
                    Thread.onSpinWait();
                }
            }
            kernel.join();
        }
    }

    @Test
    void aKernelWaitsForAPinnedPage() throws InterruptedException {
        try (Arena arena = memory.arena()) {
            MemorySegment vector = arena.allocate(4096, 4096);
            CompletableFuture<Void> kernel;
            try (Pin _ = memory.pin(vector)) {
                kernel = memory.launchAsync(Add.class.getName(), vector, 512, 1);
                TimeUnit.MILLISECONDS.sleep(100);
                assertThat(vector.get(JAVA_LONG, 0)).isZero();
                vector.set(JAVA_LONG, 0, 5);
                assertThat(kernel).isNotDone();
            }
            kernel.join();
            assertThat(vector.get(JAVA_LONG, 0)).isEqualTo(6);
        }
    }

    @Test
    void memoryThatAKernelTouchedAfterItWasFreedIsZeroAgain() {
        long address;
        long bytes = 1 << 20;
        try (Arena arena = memory.arena()) {
            address = arena.allocate(bytes, 4096).address();
        }
        for (int round = 0; round < 8; round++) {
            // An address is only a number: nothing keeps a program from passing a stale one.
            memory.launch(Add.class.getName(), address, (int) (bytes / 8), 9);
            try (Arena arena = memory.arena()) {
                MemorySegment fresh = arena.allocate(bytes, 4096);
                for (long at = 0; at < bytes; at += 64) {
                    assertThat(fresh.get(JAVA_LONG, at)).isZero();
                }
            }
        }
    }

    @Test
    void trouble() {
        try (Arena arena = memory.arena()) {
            MemorySegment segment = arena.allocate(64, 8);
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> memory.launch(Throw.class.getName()))
                    .withMessageContaining("no luck")
                    .withMessageContaining("Throw.java")
                    .satisfies(e -> assertThat(e.reason()).isEqualTo("KERNEL_FAILED"));
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> memory.launch("no.such.Kernel"))
                    .withMessageContaining("no.such.Kernel")
                    .withMessageContaining("class path");
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> memory.launch("java.lang.String"))
                    .withMessageContaining("does not implement");
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> memory.launch(Add.class.getName(), segment, 1.5))
                    .withMessageContaining("no constructor takes (MemoryRange, Double)");
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> memory.launch(Add.class.getName(), segment, 1L << 40, 1))
                    .withMessageContaining("no constructor");
            assertThatExceptionOfType(RefusedException.class)
                    .as("an address of nobody")
                    .isThrownBy(() -> memory.launch(Add.class.getName(), 0x1000L, 8, 1))
                    .withMessageContaining("nothing is mapped there");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> memory.launch(Add.class.getName(), "text"))
                    .withMessageContaining("text");
            try (Arena other = Arena.ofConfined()) {
                assertThatIllegalArgumentException()
                        .isThrownBy(() -> memory.launch(Add.class.getName(), other.allocate(64), 8, 1));
            }
            memory.launch(Add.class.getName(), segment, 8, 1);
            assertThat(segment.get(JAVA_LONG, 56)).as("after all that").isEqualTo(1);
        }
    }

    @Test
    void anArenaStaysWhileAKernelWorksOnIt() throws InterruptedException {
        try (Arena arena = memory.arena()) {
            MemorySegment words = arena.allocate(64, 8);
            CompletableFuture<Void> kernel = memory.launchAsync(Echo.class.getName(), words, 1);
            assertThatIllegalStateException().isThrownBy(arena::close).withMessageContaining("kernels");
            words.set(JAVA_LONG, 0, 1);
            kernel.join();
        }
    }

    @Test
    void aKernelThatNeverEndsHoldsNobodyUp() throws Exception {
        CompletableFuture<Void> kernel;
        Set<Long> before = new HashSet<>();
        ProcessHandle.current().children().forEach(child -> before.add(child.pid()));
        List<ProcessHandle> daemons;
        try (Heteromem other =
                        Heteromem.open(Options.ram(RAM).accelerator(DEVICE).kernels(classes()));
                Arena arena = other.arena()) {
            daemons = ProcessHandle.current()
                    .children()
                    .filter(child -> !before.contains(child.pid()))
                    .toList();
            MemorySegment begun = arena.allocate(8, 8);
            kernel = other.launchAsync(Endless.class.getName(), begun.address());
            while (begun.get(JAVA_LONG, 0) == 0) {
                TimeUnit.MILLISECONDS.sleep(1);
            }
            assertThat(begun.get(JAVA_LONG, 0)).isPositive();
            begun.set(JAVA_LONG, 0, 77);
            assertThat(begun.get(JAVA_LONG, 0)).isGreaterThanOrEqualTo(77);
            assertThat(kernel).isNotDone();
        }
        assertThat(kernel).failsWithin(PATIENCE);
        assertThat(daemons).isNotEmpty();
        for (ProcessHandle daemon : daemons) {
            daemon.onExit().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }
    }

    @Test
    void aDaemonWithoutADeviceOrWithoutKernelsSaysSo() throws Exception {
        try (Heteromem none = Heteromem.open(Options.ram(RAM).kernels(classes()))) {
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> none.launch(Throw.class.getName()))
                    .withMessageContaining("accelerator")
                    .satisfies(e -> assertThat(e.reason()).isEqualTo("NO_DEVICE"));
        }
        try (Heteromem none = Heteromem.open(Options.ram(RAM).accelerator(DEVICE))) {
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> none.launch(Throw.class.getName()))
                    .withMessageContaining("class path")
                    .satisfies(e -> assertThat(e.reason()).isEqualTo("NOT_ALLOWED"));
        }
        assertThatExceptionOfType(UnavailableException.class)
                .isThrownBy(() ->
                        Heteromem.open(Options.ram(RAM).accelerator(DEVICE).kernels(Path.of("/nowhere.jar"))))
                .withMessageContaining("/nowhere.jar");
    }

    @Test
    void aKernelComesFromAPathThatTheProgramDoesNotKnow(@TempDir Path directory) throws IOException {
        compile(directory, "Strange", """
                        public class Strange implements org.heteromem.devices.accelerator.Kernel {
                            private final long at;
                            public Strange(long at) { this.at = at; }
                            public void run(org.heteromem.core.MemoryAccess memory, int unit, int units) {
                                memory.getAndAddLong(at, 1L);
                                memory.getAndAddLong(at + 8, unit == 0 ? units : 0);
                            }
                        }
                        """);
        try (Heteromem other =
                        Heteromem.open(Options.ram(RAM).accelerator(DEVICE).kernels(directory));
                Arena arena = other.arena()) {
            MemorySegment counter = arena.allocate(16, 8);
            other.launch("Strange", counter);
            assertThat(counter.get(JAVA_LONG, 0))
                    .isEqualTo(counter.get(JAVA_LONG, 8))
                    .isPositive();
        }
    }

    private static void compile(Path directory, String name, String text) throws IOException {
        Path source = Files.writeString(directory.resolve(name + ".java"), text);
        int result = ToolProvider.getSystemJavaCompiler()
                .run(
                        null,
                        null,
                        null,
                        "-proc:none",
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        "-d",
                        directory.toString(),
                        source.toString());
        assertThat(result).isZero();
    }

    /** A mistake in a kernel is told to its program, which keeps its memory, and whoever waits for the kernel goes on. */
    @Test
    void aKernelThatIsWrongCostsNothingButItself(@TempDir Path directory) throws IOException {
        compile(directory, "Kernels", """
                        class Missing {}
                        class Named implements org.heteromem.devices.accelerator.Kernel {
                            Named() {}
                            Named(Missing other) {}
                            public void run(org.heteromem.core.MemoryAccess memory, int unit, int units) {}
                        }
                        class Silent extends RuntimeException {
                            @Override public String toString() { throw new IllegalStateException("not a word"); }
                        }
                        class Begins implements org.heteromem.devices.accelerator.Kernel {
                            Begins(long how) {
                                if (how == 0) throw new Silent();
                                if (how == 1) throw new RuntimeException("next\\u0085line");
                            }
                            public void run(org.heteromem.core.MemoryAccess memory, int unit, int units) {}
                        }
                        class Runs implements org.heteromem.devices.accelerator.Kernel {
                            private final long how;
                            Runs(long how) { this.how = how; }
                            public void run(org.heteromem.core.MemoryAccess memory, int unit, int units) {
                                if (how == 0) throw new Silent();
                                if (how == 1) throw new RuntimeException("next\\u0085line");
                            }
                        }
                        class Starts implements org.heteromem.devices.accelerator.Kernel {
                            static final int NUMBER = Integer.parseInt("none");
                            public void run(org.heteromem.core.MemoryAccess memory, int unit, int units) {}
                        }
                        """);
        Files.delete(directory.resolve("Missing.class"));
        try (Heteromem other =
                        Heteromem.open(Options.ram(RAM).accelerator(DEVICE).kernels(directory));
                Arena arena = other.arena()) {
            MemorySegment word = arena.allocate(4096, 4096);
            word.set(JAVA_LONG, 0, 77);
            assertFails(other, "Missing", "Named");
            assertFails(other, "Silent", "Begins", 0L);
            assertFails(other, "next line", "Begins", 1L);
            assertFails(other, "Silent", "Runs", 0L);
            assertFails(other, "next line", "Runs", 1L);
            assertFails(other, "NumberFormatException", "Starts");
            other.launch("Runs", 2L);
            assertThat(word.get(JAVA_LONG, 0)).isEqualTo(77);
        }
    }

    private static void assertFails(Heteromem memory, String words, String kernel, Object... arguments) {
        assertThat(memory.launchAsync(kernel, arguments))
                .failsWithin(PATIENCE)
                .withThrowableOfType(ExecutionException.class)
                .withCauseInstanceOf(RefusedException.class)
                .withMessageContaining(words);
    }
}
