package org.heteromem.proof.run;

import org.junit.jupiter.api.Test;

/** Sequences in which random runs have found the core and the model to differ, shrunk. */
class FoundTest {
    /** The page of the child was shared; its successor's is the child's own, and a reference sees what the child stores. */
    @Test
    void aReferenceTakenAfterARestartSeesLaterStores() {
        Replay.of("""
                        Map 0 0 1 READ_WRITE PRIVATE
                        Write 0 0 100 5
                        Fork 0 1
                        Add 0 0 8 7
                        Evict 2 1 0 1
                        Restart 2
                        Hold 0 1 0 1 READ GET
                        CompareAndSet 1 0 8 true 9
                        HoldRead 0
                        """).assertSame();
    }

    /** The same without a restart: the reference keeps what was there, and the child gets a page of its own. */
    @Test
    void aReferenceToAPageThatWasSharedDoesNotSeeLaterStores() {
        Replay.of("""
                        Map 0 0 1 READ_WRITE PRIVATE
                        Write 0 0 100 5
                        Fork 0 1
                        Add 0 0 8 7
                        Evict 2 1 0 1
                        Hold 0 1 0 1 READ GET
                        CompareAndSet 1 0 8 true 9
                        HoldRead 0
                        """).assertSame();
    }

    /** A device with a page stays, an empty one goes and comes again, and a page that was lost there stays lost. */
    @Test
    void aDeviceThatIsPluggedInAgainHasNothingOfTheOldOne() {
        Replay.of("""
                        Map 0 0 4 READ_WRITE PRIVATE
                        Write 0 0 16384 5
                        ToDevice 2 0 0 4
                        Replug 2
                        DeviceRead 2 0 0 4
                        Lose 2 0 1 1
                        ToRam 2 0 0 4
                        Replug 2
                        Load 0 4096 8
                        ToDevice 2 0 0 4
                        Load 0 4096 8
                        DeviceRead 2 0 2 2
                        """).assertSame();
    }
}
