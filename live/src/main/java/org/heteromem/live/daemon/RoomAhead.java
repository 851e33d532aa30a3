package org.heteromem.live.daemon;

/**
 * Frames for what a client has not asked for yet, from its evictor; where that fails there are none. The pump's thread only.
 *
 * @param memory whose
 * @param log where a failure is written
 * @param client what the log calls it
 */
record RoomAhead(ClientMemory memory, Log log, Object client) implements ZeroAhead.Room {
    @Override
    public long framesToSpare() {
        return memory.evictor().framesToSpare();
    }

    @Override
    public boolean makeRoomAhead() {
        try {
            return memory.evictor().makeRoomAhead();
        } catch (RuntimeException e) {
            // Nobody waits for these pages, and the evictor will meet the same.
            log.defect(client + ": evicting failed", e);
            return false;
        }
    }

    @Override
    public int mostAhead() {
        return memory.evictor().mostAhead();
    }
}
