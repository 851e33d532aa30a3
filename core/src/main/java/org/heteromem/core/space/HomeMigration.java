package org.heteromem.core.space;

import org.heteromem.core.frame.RamNode;

/** Moves pages that are not where someone needs them to RAM, without a driver's help: for memory that the CPU can read. */
final class HomeMigration {
    private HomeMigration() {}

    /** Moves one page to RAM; false if something outside holds it or no frame is free. */
    static boolean moveToRam(Machine machine, long frame) {
        PageMigration migration = PageMigration.ofFrames(machine, new long[] {frame});
        try {
            if ((migration.entry(0) & PageMigration.MIGRATE) == 0) {
                return false;
            }
            long target = migration.allocateRam(0, null);
            if (target == RamNode.NONE) {
                return false;
            }
            migration.setDestination(0, target);
            migration.copy(0);
            migration.movePages();
            return migration.moved() == 1;
        } finally {
            migration.finish();
        }
    }
}
