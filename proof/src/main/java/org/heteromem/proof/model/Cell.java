package org.heteromem.proof.model;

/** The bytes of one page, and who sees them. */
final class Cell {
    /** Whether the process that maps it may write without a copy. */
    enum Own {
        /** It may. */
        YES,
        /** It must first see whether anybody else is left. */
        NO,
        /** Depends on what the model does not follow. */
        UNSURE
    }

    final byte[] bytes;
    /** Pages of processes that show it; shared memory is not counted. */
    int mappers = 1;
    /** References from outside, pins included. */
    int holders;

    int pins;
    Own own;
    /** Whether those who hold it may have been left behind at a copy: what they see is not told. */
    boolean doubtful;
    /** Whether those who hold the doubtful one that it was copied from may hold it. */
    boolean maybeHeld;

    Cell(byte[] bytes, Own own) {
        this.bytes = bytes;
        this.own = own;
    }
}
