package org.heteromem.cli.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.heteromem.core.AccessException;
import org.heteromem.core.MemoryAccess;
import org.heteromem.core.Page;
import org.heteromem.devices.accelerator.Kernel;
import org.junit.jupiter.api.Test;

/** The modelled machine keeps its promises to jobs that fail. */
class ModelRunTest {
    private final RunOptions options = RunOptions.defaults("triad");
    private final EventTally tally = new EventTally();
    private final Timeline timeline = new Timeline(System::nanoTime, "accelerator", 1 << 20);

    private ModelRun machine() {
        return new ModelRun(
                options,
                timeline,
                event -> {
                    tally.accept(event);
                    timeline.accept(event);
                },
                System::nanoTime,
                RunProgress.NONE);
    }

    private record Touch(long address) implements Kernel {
        @Override
        public void run(MemoryAccess memory, int unit, int units) {
            memory.storeLong(address + 8L * unit, unit + 1);
        }
    }

    @Test
    void kernelThatTouchesNothingMappedIsReportedWithTheAddressAndTheProcessGoesOn() {
        try (ModelRun machine = machine()) {
            long address = machine.allocate(Page.SIZE, "words");
            long wild = address + (1L << 30);
            assertThatThrownBy(() -> machine.accelerate("wild stores", new Touch(wild)))
                    .isInstanceOf(PhaseFailedException.class)
                    .hasMessageContaining("'wild stores' failed on the accelerator")
                    .hasMessageMatching(".*0x" + Long.toHexString(wild).substring(0, 6) + "[0-9a-f]+.*")
                    .hasCauseInstanceOf(AccessException.class);
            machine.accelerate("stores", new Touch(address));
            machine.cpu("look", memory -> {
                for (int unit = 0; unit < ModelRun.UNITS; unit++) {
                    assertThat(memory.loadLong(address + 8L * unit)).isEqualTo(unit + 1);
                }
            });
        }
    }

    @Test
    void phaseThatThrowsIsReportedWithItsName() {
        try (ModelRun machine = machine()) {
            assertThatThrownBy(() -> machine.cpuParallel("count", (memory, thread, threads) -> {
                        throw new ArithmeticException("/ by zero");
                    }))
                    .isInstanceOf(PhaseFailedException.class)
                    .hasMessage("'count' failed on the CPU: / by zero");
        }
    }

    /** What the picture shows at the end is where the pages are. */
    @Test
    void timelineAgreesWithThePageTables() {
        try (ModelRun machine = machine()) {
            long device = options.device().bytes();
            long bytes = device + device / 2;
            long address = machine.allocate(bytes, "words");
            machine.cpu("fill", memory -> {
                for (long at = 0; at < bytes; at += Page.SIZE) {
                    memory.storeLong(address + at, at);
                }
            });
            machine.accelerate("read all", (memory, unit, units) -> {
                for (long at = (long) unit * Page.SIZE; at < bytes; at += (long) units * Page.SIZE) {
                    memory.loadLong(address + at);
                }
            });
            timeline.end();
            Timeline.Shown last = timeline.samples().getLast().tracks.getFirst();
            assertThat(sum(last, last::device))
                    .isEqualTo(machine.residentPages().get("accelerator"))
                    .isPositive();
            assertThat(sum(last, last::ram))
                    .isEqualTo(machine.residentPages().get("node0"))
                    .isPositive();
            assertThat(tally.counts().evictions().pages()).isPositive();
            assertThat(timeline.phases()).extracting(Timeline.PhaseSpan::name).containsExactly("fill", "read all");
        }
    }

    @Test
    void longRunsKeepABoundedNumberOfSamples() {
        long[] now = {0};
        Timeline slow = new Timeline(() -> now[0], "accelerator", 1 << 20);
        slow.allocated("words", 1L << 20, Page.SIZE);
        now[0] = 3_600_000_000_000L;
        slow.end();
        assertThat(slow.samples()).hasSizeBetween(Timeline.MAX_SAMPLES / 2, Timeline.MAX_SAMPLES);
        assertThat(slow.samples()).extracting(sample -> sample.nanos).isSorted();
        assertThat(slow.samples().getLast().nanos).isEqualTo(now[0]);
    }

    private static long sum(Timeline.Shown shown, IntUnaryOperator pages) {
        return IntStream.range(0, shown.groups()).map(pages).sum();
    }
}
