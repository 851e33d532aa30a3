package org.heteromem.core.mmu;

import static org.heteromem.stress.model.ModelCheck.catches;
import static org.heteromem.stress.model.ModelCheck.holds;
import static org.heteromem.stress.model.ModelCheck.require;
import static org.heteromem.stress.model.ModelCheck.together;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** One page that moves from one frame to another while it is loaded and stored; see {@link MiniProcess}. */
@Tag("lincheck")
class TranslationCacheModelTest {
    /** The process is made before: a cache is large, and making it is of no interest here. */
    private static Runnable storeIsNotLost(MiniProcess.Fault fault) {
        MiniProcess process = new MiniProcess(fault);
        MiniProcess.Hart cpu = process.newHart();
        return () -> {
            process.reset();
            together(() -> cpu.store(MiniProcess.ADDRESS, 1), process::migrate);
            require(process.word() == 1, "the store landed in the frame that the page had left");
        };
    }

    private static Runnable noOldValueAfterANewOne(MiniProcess.Fault fault) {
        MiniProcess process = new MiniProcess(fault);
        MiniProcess.Hart reader = process.newHart();
        MiniProcess.Hart writer = process.newHart();
        return () -> {
            process.reset();
            together(
                    () -> {
                        process.migrate();
                        writer.store(MiniProcess.ADDRESS, 1);
                        process.done = true;
                    },
                    () -> {
                        boolean done = process.done;
                        long seen = reader.load(MiniProcess.ADDRESS);
                        require(!done || seen == 1, "an old value was read after the new one was stored");
                        require(seen == 0 || seen == 1, "the frame's next owner was read");
                    });
        };
    }

    @Test
    void aStoreIsNeverLostToAMigration() {
        holds(storeIsNotLost(MiniProcess.Fault.NONE));
        catches(storeIsNotLost(MiniProcess.Fault.SHOOT_DOWN_DOES_NOT_WAIT));
        catches(storeIsNotLost(MiniProcess.Fault.FILL_DOES_NOT_LOOK_AGAIN));
    }

    @Test
    void aLoadNeverSeesWhatTheFrameHoldsAfterwards() {
        holds(noOldValueAfterANewOne(MiniProcess.Fault.NONE));
        catches(noOldValueAfterANewOne(MiniProcess.Fault.LOAD_DOES_NOT_LOOK_AGAIN));
        catches(noOldValueAfterANewOne(MiniProcess.Fault.FILL_DOES_NOT_LOOK_AGAIN));
    }
}
