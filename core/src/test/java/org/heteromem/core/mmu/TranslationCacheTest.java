package org.heteromem.core.mmu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.heteromem.core.Access;
import org.heteromem.core.Page;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A shoot-down and a store: with the store held still half-way, and both as fast as they can. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TranslationCacheTest {
    private static final long PAGE = 77;
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();

    private static final class Cache extends TranslationCache {}

    private final Cache cache = new Cache();

    @Test
    void aShootDownWaitsForAStoreToItsPagesThatIsUnderWay() throws InterruptedException {
        TranslationCache.STORING.setVolatile(cache, PAGE);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        Thread.ofPlatform().start(() -> {
            begun.countDown();
            cache.shootDown(PAGE - 1, 3);
            ended.countDown();
        });
        begun.await();
        // Long enough for one that does not wait to be done; one that waits is never found done.
        for (int i = 0; i < 10_000; i++) {
            Thread.yield();
            assertThat(ended.getCount()).isOne();
        }
        TranslationCache.STORING.setVolatile(cache, TranslationCache.NO_PAGE);
        ended.await();
    }

    @Test
    void aShootDownDoesNotWaitForAStoreToOtherPages() {
        TranslationCache.STORING.setVolatile(cache, PAGE);
        cache.shootDown(PAGE - 2, 2);
        cache.shootDown(PAGE + 1, 2);
        assertThat(cache.idle()).isFalse();
    }

    /** A process of one page, which lives in one of two frames. */
    private static final class OnePage extends TranslatedMemory {
        private final MemorySegment[] frames;
        /** The frame that the page lives in, or -1 while it is on its way: what a page table says. */
        private volatile int home;

        OnePage(MemorySegment... frames) {
            this.frames = frames;
        }

        @Override
        protected void refill(long address, Access access) {
            int at = home;
            if (at < 0) {
                Thread.onSpinWait();
                return;
            }
            install(PAGE, frames[at], 0, true);
            if (home != at) {
                invalidate(PAGE);
            }
        }
    }

    private static long word(MemorySegment frame) {
        return (long) WORD.getVolatile(frame, 0L);
    }

    @Test
    void noStoreLandsInAFrameThatWasLeft() throws InterruptedException {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment[] frames = {arena.allocate(Page.SIZE, Page.SIZE), arena.allocate(Page.SIZE, Page.SIZE)};
            OnePage memory = new OnePage(frames);
            AtomicBoolean done = new AtomicBoolean();
            Thread storing = Thread.ofPlatform().start(() -> {
                for (long value = 1; !done.get(); value++) {
                    memory.storeLong(Page.address(PAGE), value);
                }
            });
            long[] left = {0, 0};
            long late = 0;
            for (int i = 0; i < 100_000; i++) {
                int from = memory.home;
                int to = 1 - from;
                while (word(frames[from]) == left[from]) {
                    Thread.onSpinWait(); // Until it is stored to: else there would be nothing to be late.
                }
                memory.home = -1;
                memory.shootDown(PAGE, 1);
                left[from] = word(frames[from]);
                // Nobody has had a translation to that one since it was left.
                late += word(frames[to]) == left[to] ? 0 : 1;
                memory.home = to;
            }
            done.set(true);
            storing.join();
            assertThat(late).as("stores that came after the copy").isZero();
        }
    }

    private static Stream<Arguments> loads() {
        MemorySegment target = MemorySegment.ofArray(new long[1]);
        ToLongFunction<TranslatedMemory> bulk = memory -> {
            memory.read(Page.address(PAGE), target, 0, Long.BYTES);
            return target.get(ValueLayout.JAVA_LONG, 0);
        };
        return Stream.of(
                arguments("byte", (ToLongFunction<TranslatedMemory>) memory -> memory.loadByte(Page.address(PAGE))),
                arguments("int", (ToLongFunction<TranslatedMemory>) memory -> memory.loadInt(Page.address(PAGE))),
                arguments("long", (ToLongFunction<TranslatedMemory>) memory -> memory.loadLong(Page.address(PAGE))),
                arguments("bulk", bulk));
    }

    /** A frame that was left may get another page, or another process's: nobody may return what it holds then. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("loads")
    void noLoadReturnsWhatAFrameHoldsAfterItWasLeft(String name, ToLongFunction<TranslatedMemory> load)
            throws InterruptedException {
        // All ones, whatever the width.
        long another = -1;
        try (Arena arena = Arena.ofShared()) {
            MemorySegment[] frames = {arena.allocate(Page.SIZE, Page.SIZE), arena.allocate(Page.SIZE, Page.SIZE)};
            OnePage memory = new OnePage(frames);
            AtomicBoolean done = new AtomicBoolean();
            AtomicLong loads = new AtomicLong();
            AtomicLong wrong = new AtomicLong();
            Thread loading = Thread.ofPlatform().start(() -> {
                while (!done.get()) {
                    if (load.applyAsLong(memory) == another) {
                        wrong.incrementAndGet();
                    }
                    loads.setOpaque(loads.getPlain() + 1);
                }
            });
            for (int i = 0; i < 50_000 && wrong.get() == 0; i++) {
                int from = memory.home;
                long before = loads.get();
                // With the word always changing, a load is mostly on its way to it.
                for (long value = 1; value < 64 || loads.get() == before; value++) {
                    WORD.setVolatile(frames[from], 0L, value & 63);
                }
                memory.home = -1;
                memory.shootDown(PAGE, 1);
                WORD.setVolatile(frames[from], 0L, another);
                WORD.setVolatile(frames[1 - from], 0L, 0L);
                memory.home = 1 - from;
            }
            done.set(true);
            loading.join();
            assertThat(wrong).as("loads that returned another page's word").hasValue(0);
        }
    }
}
