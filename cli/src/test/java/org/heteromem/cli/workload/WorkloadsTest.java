package org.heteromem.cli.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import org.heteromem.cli.BadInputException;
import org.heteromem.core.MemoryAccess;
import org.heteromem.devices.accelerator.Kernel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every workload computes what plain Java computes, whatever the number of threads, and its check can be trusted. */
class WorkloadsTest {
    /** The seed of what is random here; another one by {@code -Dheteromem.seed=N}. */
    private static final long SEED = Long.getLong("heteromem.seed", 20260711);

    private static final long SMALL = 3L << 20;

    static Object[] names() {
        return Workloads.all().stream().map(Workload::name).toArray();
    }

    @ParameterizedTest
    @MethodSource("names")
    void resultDoesNotDependOnThreads(String name) {
        int[][] machines = {{1, 1}, {2, 4}, {3, 7}};
        for (int[] machine : machines) {
            try (PlainMachine context = new PlainMachine(machine[0], machine[1])) {
                WorkloadJob job = Workloads.named(name).prepare(input(SMALL));
                job.run(context);
                job.runPlain();
                assertThatCode(() -> job.verify(context.memory()))
                        .as("seed %d, %d threads, %d units", SEED, machine[0], machine[1])
                        .doesNotThrowAnyException();
                assertThat(job.results(context.memory())).isNotEmpty();
            }
        }
    }

    /** The bytes of a result that a broken memory manager might lose, one bit of one byte. */
    @ParameterizedTest
    @CsvSource({
        "pagerank,  ranks,                 500000",
        "sort,      records,               1000000",
        "triad,     a,                     1000000",
        "triad,     b,                     1000000",
        "kmeans,    cluster of each point, 100000",
        "kmeans,    centroids,             1024",
        "kmeans,    moved points by iteration, 32",
        "matmul,    product,               100000",
        "matmul,    row sums,              800",
        "hashjoin,  sums,                  200000",
        "hashjoin,  matches,               8",
    })
    void verifyFindsOneFlippedBit(String name, String allocation, int bytes) {
        Random random = new Random(SEED);
        try (PlainMachine context = new PlainMachine(2, 2)) {
            WorkloadJob job = Workloads.named(name).prepare(input(SMALL));
            job.run(context);
            job.runPlain();
            MemoryAccess memory = context.memory();
            long result = context.addressOf(allocation);
            for (int attempt = 0; attempt < 5; attempt++) {
                long address = result + random.nextInt(bytes);
                byte good = memory.loadByte(address);
                memory.storeByte(address, (byte) (good ^ (1 << random.nextInt(8))));
                assertThatThrownBy(() -> job.verify(memory))
                        .as("seed %d, byte %d", SEED, address - result)
                        .isInstanceOf(WrongResultException.class)
                        .hasMessageContaining("0x")
                        .hasMessageContaining("expected");
                memory.storeByte(address, good);
            }
            job.verify(memory);
        }
    }

    /** A free slot of the table may hold anything, so here only slots with words count. */
    @Test
    void verifyFindsAWrongWordCount() {
        try (PlainMachine context = new PlainMachine(2, 2)) {
            WorkloadJob job = Workloads.named("wordcount").prepare(input(SMALL));
            job.run(context);
            job.runPlain();
            MemoryAccess memory = context.memory();
            long slot = context.addressOf("words");
            while (memory.loadLong(slot + 16) == 0) {
                slot += WordTable.SLOT_BYTES;
            }
            for (int offset : new int[] {8, 12, 16}) { // start, length, count
                int good = memory.loadInt(slot + offset);
                for (int wrong : new int[] {good + 1, good ^ 1 << 31, 0}) {
                    memory.storeInt(slot + offset, wrong);
                    assertThatThrownBy(() -> job.verify(memory))
                            .as("%d for %d at offset %d, seed %d", wrong, good, offset, SEED)
                            .isInstanceOf(WrongResultException.class);
                }
                memory.storeInt(slot + offset, good);
            }
            job.verify(memory);
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void kernelsAreRecordsOfPrimitivesSoThatAnotherProcessCanRunThem(String name) {
        try (PlainMachine context = new PlainMachine(1, 1)) {
            Workloads.named(name).prepare(input(SMALL)).run(context);
            assertThat(context.kernels()).isNotEmpty();
            for (Kernel kernel : context.kernels()) {
                assertThat(kernel.getClass().isRecord())
                        .as("%s is a record", kernel.getClass())
                        .isTrue();
                for (RecordComponent component : kernel.getClass().getRecordComponents()) {
                    assertThat(component.getType().isPrimitive())
                            .as("%s", component)
                            .isTrue();
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void allocatesWhatItSays(String name) {
        try (PlainMachine context = new PlainMachine(2, 2)) {
            WorkloadJob job = Workloads.named(name).prepare(input(SMALL));
            job.run(context);
            // Pagerank's example graph alone is larger than this size; wordcount's table may grow with the words found.
            long said = job.workingSetBytes();
            assertThat(context.peakBytes()).isBetween(said, name.equals("wordcount") ? 2 * said : said);
            assertThat(context.progress()).isSorted().last().isEqualTo(1.0);
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void defaultSizeOverflowsTheDeviceAndFitsRam(String name) {
        WorkloadJob job = Workloads.named(name).prepare(input(WorkloadInput.DEFAULT_WORKING_SET_BYTES));
        assertThat(job.workingSetBytes()).isBetween(48L << 20, 56L << 20);
        assertThat(job.input()).isNotBlank();
    }

    @ParameterizedTest
    @MethodSource("names")
    void smallestSizeWorks(String name) {
        try (PlainMachine context = new PlainMachine(2, 3)) {
            WorkloadJob job = Workloads.named(name).prepare(input(WorkloadInput.MIN_WORKING_SET_BYTES));
            job.runPlain();
            job.run(context);
            job.verify(context.memory());
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void anotherSeedIsAnotherInput(String name) {
        try (PlainMachine context = new PlainMachine(2, 2)) {
            WorkloadJob one = Workloads.named(name).prepare(WorkloadInput.generated(1, SMALL));
            WorkloadJob other = Workloads.named(name).prepare(WorkloadInput.generated(2, SMALL));
            one.run(context);
            other.run(context);
            one.runPlain();
            other.runPlain();
            one.verify(context.memory());
            other.verify(context.memory());
            if (!name.equals("pagerank")) { // its seed chooses columns, and what it prints is column 0
                assertThat(other.results(context.memory())).isNotEqualTo(one.results(context.memory()));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void resultBeforeTheRunIsRefused(String name) {
        WorkloadJob job = Workloads.named(name).prepare(input(SMALL));
        try (PlainMachine context = new PlainMachine(1, 1)) {
            assertThatIllegalStateException().isThrownBy(() -> job.verify(context.memory()));
            assertThatIllegalStateException().isThrownBy(() -> job.results(context.memory()));
        }
    }

    @Test
    void unknownNameListsTheNamesThereAre() {
        assertThatThrownBy(() -> Workloads.named("pagrank"))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("pagrank")
                .hasMessageContaining("pagerank, sort, triad, kmeans, matmul");
    }

    @ParameterizedTest
    @MethodSource("names")
    void fileIsReadOrRefused(String name) {
        Workload workload = Workloads.named(name);
        Path missing = Path.of("no-such-file.txt");
        assertThatThrownBy(() -> workload.prepare(new WorkloadInput(Optional.of(missing), SEED, SMALL)))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("no-such-file.txt")
                .hasMessageContaining(workload.fileUse() == Workload.FileUse.NONE ? "takes no file" : "no such file");
    }

    @Test
    void sizeOutOfRangeIsRefusedWithTheRange() {
        assertThatThrownBy(() -> input(1000))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("1000")
                .hasMessageContaining("524288");
        assertThatThrownBy(() -> input(Long.MAX_VALUE)).isInstanceOf(BadInputException.class);
    }

    private static WorkloadInput input(long workingSetBytes) {
        return WorkloadInput.generated(SEED, workingSetBytes);
    }
}
