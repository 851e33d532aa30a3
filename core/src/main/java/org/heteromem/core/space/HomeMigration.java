package org.heteromem.core.space;

import org.heteromem.core.frame.HomedNode;
import org.heteromem.core.memory.MemoryNode;
import org.heteromem.core.policy.FrameDemand;
import org.jspecify.annotations.Nullable;

/** Moves pages that are not where someone needs them to RAM, without a driver's help: for memory that the CPU can read. */
final class HomeMigration {
    /** Others may take what was freed; who is that unlucky hears that the page is busy. */
    private static final int ATTEMPTS = 64;

    private HomeMigration() {}

    /** Moves one page to RAM; false if something outside holds it, or no frame is free and no room can be made. */
    static boolean moveToRam(Machine machine, long frame) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            MemoryNode[] full = {null};
            boolean moved = move(machine, frame, full);
            MemoryNode node = full[0];
            if (moved || node == null || !machine.makeRoom(FrameDemand.PAGE_COMING_HOME, node)) {
                return moved;
            }
        }
        return false;
    }

    /** Says which memory had no frame, if that is why it stays. */
    private static boolean move(Machine machine, long frame, @Nullable MemoryNode[] full) {
        PageMigration migration = PageMigration.ofFrames(machine, new long[] {frame});
        try {
            if ((migration.entry(0) & PageMigration.MIGRATE) == 0) {
                return false;
            }
            if (!migration.allocateRam(0, null)) {
                HomedNode home = ReverseMap.home(machine, frame, page -> {});
                full[0] = home == null ? machine.preferredNode() : home;
                return false;
            }
            migration.copy(0);
            migration.movePages();
            return migration.moved() == 1;
        } finally {
            migration.finish();
        }
    }
}
