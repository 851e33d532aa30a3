package org.heteromem.devices.accelerator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.wait.Waiting;
import org.junit.jupiter.api.Test;

class CopyEngineTest {
    private static final int BYTES = 3 << 20;

    private static void number(ArenaStore store) {
        for (int at = 0; at < BYTES; at += 8) {
            store.segment(0).set(ValueLayout.JAVA_LONG, at, at + 1L);
        }
    }

    private static CopyEngine.Transfer all(ArenaStore to, ArenaStore from) {
        return new CopyEngine.Transfer(to, 0, from, 0, BYTES);
    }

    private static void assertEqual(ArenaStore to, ArenaStore from) {
        assertThat(to.segment(0).mismatch(from.segment(0))).isEqualTo(-1);
    }

    @Test
    void copiesBesideTheCaller() {
        try (ArenaStore from = new ArenaStore(BYTES);
                ArenaStore to = new ArenaStore(BYTES);
                ExecutorService pool = Executors.newFixedThreadPool(2)) {
            number(from);
            CopyEngine engine = new CopyEngine(pool, Waiting.parking());
            CopyEngine.Fence fence = engine.submit(List.of(all(to, from)));
            fence.await();
            assertThat(fence.isDone()).isTrue();
            assertEqual(to, from);
            engine.submit(List.of(new CopyEngine.Transfer(to, 4096, null, 0, 4096)))
                    .await();
            assertThat(to.segment(0).get(ValueLayout.JAVA_LONG, 4088)).isEqualTo(4089);
            assertThat(to.segment(0).get(ValueLayout.JAVA_LONG, 4096)).isZero();
            assertThat(to.segment(0).get(ValueLayout.JAVA_LONG, 8192)).isEqualTo(8193);
        }
    }

    @Test
    void whoeverWaitsHelpsWhenTheExecutorDoesNothing() {
        List<Runnable> ignored = new ArrayList<>();
        try (ArenaStore from = new ArenaStore(BYTES);
                ArenaStore to = new ArenaStore(BYTES)) {
            number(from);
            CopyEngine.Fence fence = new CopyEngine(ignored::add, Waiting.parking()).submit(List.of(all(to, from)));
            assertThat(fence.isDone()).isFalse();
            fence.await();
            assertEqual(to, from);
        }
    }

    @Test
    void anExecutorThatIsGoneLeavesTheWorkToTheCaller() {
        try (ArenaStore from = new ArenaStore(BYTES);
                ArenaStore to = new ArenaStore(BYTES)) {
            number(from);
            CopyEngine engine = new CopyEngine(
                    task -> {
                        throw new RejectedExecutionException("shut down");
                    },
                    Waiting.parking());
            assertThat(engine.submit(List.of(all(to, from))).isDone()).isTrue();
            assertEqual(to, from);
        }
    }

    @Test
    void aFailureComesOutAtTheFenceWhenAllIsOver() {
        try (ArenaStore from = new ArenaStore(BYTES);
                ArenaStore to = new ArenaStore(BYTES)) {
            number(from);
            CopyEngine engine = new CopyEngine(Runnable::run, Waiting.parking());
            CopyEngine.Fence fence = engine.submit(List.of(
                    new CopyEngine.Transfer(to, 0, from, BYTES - 4096, 8192),
                    new CopyEngine.Transfer(to, 16384, from, 16384, 4096)));
            assertThatThrownBy(fence::await).isInstanceOf(IndexOutOfBoundsException.class);
            assertThat(to.segment(0).get(ValueLayout.JAVA_LONG, 16384)).isEqualTo(16385);
        }
    }

    @Test
    void nothingToCopyIsDoneAtOnce() {
        assertThat(new CopyEngine(Runnable::run, Waiting.parking())
                        .submit(List.of())
                        .isDone())
                .isTrue();
    }
}
