package org.heteromem.live.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.fault.FaultResult;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the pump makes of faults that came too early, too late or not at all; on a region that nobody touches. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FaultPumpTest {
    private static final long BYTES = 2L << 20;

    /** What the pump told, and how often it was refused room. */
    private static final class Told implements FaultPump.Host {
        final Queue<String> words = new ConcurrentLinkedQueue<>();
        final AtomicInteger shortages = new AtomicInteger();
        private Runnable whenShort = () -> {};

        @Override
        public boolean makeRoom(FaultResult.NoMemory shortage) {
            shortages.incrementAndGet();
            whenShort.run();
            return true;
        }

        @Override
        public void served() {}

        @Override
        public void lost(long page, String device, String detail) {
            words.add("lost");
        }

        @Override
        public void stray(long page, String detail) {
            words.add("stray");
        }

        @Override
        public void foreign(int event) {
            words.add("foreign");
        }

        @Override
        public void blocking() {
            words.add("blocking");
        }

        @Override
        public void broken(Throwable defect) {
            words.add("broken");
        }

        @Override
        public void ended(String why) {
            words.add("ended");
        }
    }

    private static final ZeroAhead.Room NO_ROOM = new ZeroAhead.Room() {
        @Override
        public long framesToSpare() {
            return 0;
        }

        @Override
        public boolean makeRoomAhead() {
            return false;
        }

        @Override
        public int mostAhead() {
            return 1;
        }
    };

    private final Told told = new Told();
    private final LoneRegion lone = new LoneRegion(BYTES);
    private final AddressSpace space = lone.manager.createAddressSpace(lone.mmu);
    private final FaultPump pump = new FaultPump(
            space, lone.mmu, HaltPolling.of((int) ProcessHandle.current().pid()), NO_ROOM, FailPoints.NONE, told);

    @AfterEach
    void close() {
        space.exit();
        pump.close();
        lone.close();
    }

    private void touch(long page) {
        pump.resolve(lone.region.faults, Page.of(lone.region.address) + page, Access.WRITE, false);
    }

    /** Somebody else may have brought the page; its program went on, and has given it up since. */
    @Test
    void aTouchOfARegionThatHasGoneMeanwhileEndsNobody() {
        pump.add(lone.region.faults);
        space.mapHomed(lone.region.address, lone.frames, Protection.READ_WRITE);
        touch(0);
        pump.remove(lone.region.faults);
        space.unmap(lone.region.address, BYTES);
        touch(0);
        assertThat(told.words).isEmpty();
    }

    @Test
    void aTouchWhereARegionThatIsServedHasNothingIsOne() {
        pump.add(lone.region.faults);
        touch(0);
        assertThat(told.words).containsExactly("stray");
    }

    /** Whoever ends it waits for it, and nobody makes room any more. */
    @Test
    void aPumpThatIsStoppedDoesNotWaitForRoom() {
        pump.add(lone.region.faults);
        space.mapHomed(lone.region.address, lone.frames, Protection.READ_WRITE);
        lone.budget.setLimit(1, 0);
        touch(0);
        assertThat(told.shortages).hasValue(0);
        told.whenShort = () -> {
            if (told.shortages.get() == 3) {
                pump.stop();
            }
        };
        touch(1);
        assertThat(told.shortages).hasValue(3);
        assertThat(told.words).isEmpty();
    }

    @Test
    void aUserfaultfdThatMakesItsReaderWaitIsNotRead() throws InterruptedException {
        pump.add(lone.region.faults);
        RawCalls.block(lone.region.faults.fd().number());
        Thread running = Thread.ofPlatform().start(pump);
        while (told.words.isEmpty()) {
            TimeUnit.MILLISECONDS.sleep(1);
        }
        pump.stop();
        running.join();
        assertThat(told.words).containsExactly("blocking");
    }
}
