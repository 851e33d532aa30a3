package org.heteromem.core.space;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.heteromem.core.Page;
import org.heteromem.core.event.MemoryEvent;
import org.jspecify.annotations.Nullable;

/** Tells who listens what became of a {@link PageMigration}. Made only where somebody does. */
final class MigrationReport {
    private static final String NOWHERE = "none";

    private final PageMigration migration;
    private final Machine machine;
    private final @Nullable Mm mm;
    /** Of a move by frame: one process that maps each page, or -1; else empty. */
    private int[] homeSpaces = {};
    /** The page number in that process. */
    private long[] homePages = {};

    /**
     * Makes a report.
     *
     * @param migration of what
     * @param machine whose
     * @param mm whose range it was, or null for a move by frame
     */
    MigrationReport(PageMigration migration, Machine machine, @Nullable Mm mm) {
        this.migration = migration;
        this.machine = machine;
        this.mm = mm;
    }

    /** That of a move by frame, before the pages' identities move: notes whose they are. */
    static MigrationReport withHomes(PageMigration migration, Machine machine) {
        MigrationReport report = new MigrationReport(migration, machine, null);
        int count = migration.count();
        report.homeSpaces = new int[count];
        report.homePages = new long[count];
        Arrays.fill(report.homeSpaces, -1);
        for (int i = 0; i < count; i++) {
            int at = i;
            if (migration.goes(i) && migration.isPage(i)) {
                migration.mapping(i, (home, page) -> {
                    report.homeSpaces[at] = home.id();
                    report.homePages[at] = page;
                });
            }
        }
        return report;
    }

    /** {@return what there is to tell, neighbours as one} */
    List<MemoryEvent> events() {
        List<MemoryEvent> events = new ArrayList<>();
        int count = migration.count();
        for (int i = 0; i < count; ) {
            int space = space(i);
            int run = i + 1;
            if (migration.isLost(i)) {
                long at = address(i);
                String device = name(migration.source(i));
                events.add(new MemoryEvent.PageLost(space, at, device));
            } else if (migration.goes(i)) {
                String from = from(i);
                String to = name(migration.destination(i));
                while (run < count && continues(run, from, to)) {
                    run++;
                }
                long at = address(i);
                int pages = run - i;
                events.add(new MemoryEvent.PagesMoved(space, at, pages, from, to));
            }
            i = run;
        }
        int whole = mm == null ? -1 : mm.id();
        long at = mm == null ? 0 : address(0);
        events.add(new MemoryEvent.MigrationDone(whole, at, count, migration.collected(), migration.moved()));
        return events;
    }

    private boolean continues(int i, String from, String to) {
        return migration.goes(i)
                && space(i) == space(i - 1)
                && address(i) == address(i - 1) + Page.SIZE
                && from.equals(from(i))
                && to.equals(name(migration.destination(i)));
    }

    private int space(int i) {
        if (mm != null) {
            return mm.id();
        }
        return homeSpaces.length == 0 ? -1 : homeSpaces[i];
    }

    private long address(int i) {
        if (mm != null) {
            return Page.address(migration.firstPage() + i);
        }
        return Page.address(space(i) < 0 ? migration.source(i) : homePages[i]);
    }

    private String from(int i) {
        return migration.isPage(i) ? name(migration.source(i)) : NOWHERE;
    }

    private String name(long frame) {
        return machine.frames.range(frame).owner.name();
    }
}
