package org.heteromem.core.space;

import java.util.IdentityHashMap;
import org.heteromem.core.frame.FrameRange;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.HomedNode;
import org.heteromem.core.frame.LruNode;
import org.heteromem.core.frame.WorkingSet;
import org.heteromem.core.inspect.Rule;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.policy.PageList;
import org.jspecify.annotations.Nullable;

/** The part of {@link StateAudit} that looks at homed memory: places, budgets, and what is noted of pages that left. */
final class HomedAudit {
    /** Hears what is wrong. */
    @FunctionalInterface
    interface Report {
        /** Says what is wrong. */
        void violation(Rule rule, String detail);
    }

    /** What all memories of one budget come to. */
    private static final class Sum {
        private long used;
        private long active;
        private long inactive;
        private long behind;
    }

    private final FrameTable frames;
    private final Report report;

    HomedAudit(FrameTable frames, Report report) {
        this.frames = frames;
        this.report = report;
    }

    /** Checks a page that is mapped: where it is at home, and whose home its frame is. */
    void checkPlace(@Nullable HomedNode home, long page, long frame, FrameRange range) {
        boolean inRam = range.owner instanceof LruNode;
        boolean atHome = home != null && range.owner == home && home.frameOf(page) == frame;
        if (inRam && !atHome && (home != null || range.owner instanceof HomedNode)) {
            report.violation(
                    Rule.HOMED_PLACE,
                    "the page at " + FaultHandler.at(page) + (home == null ? "" : " of '" + home.name() + "'")
                            + " is in frame 0x" + Long.toHexString(frame) + " of '" + range.owner.name() + "'");
        }
    }

    /** Checks all homed memory, once every frame has been looked at for itself. */
    void checkBudgets(FrameRange[] ranges) {
        IdentityHashMap<FrameBudget, Sum> sums = new IdentityHashMap<>();
        for (FrameRange range : ranges) {
            if (range.owner instanceof HomedNode node) {
                Sum sum = sums.computeIfAbsent(node.budget(), b -> new Sum());
                sum.used += count(node);
                node.walkLru(new LruNode.ListVisitor() {
                    @Override
                    public void lru(long frame, PageList list) {
                        switch (list) {
                            case ACTIVE -> sum.active++;
                            case INACTIVE -> sum.inactive++;
                            case BEHIND -> sum.behind++;
                        }
                    }

                    @Override
                    public void free(long frame) {
                        throw new IllegalStateException("homed memory has no list of free frames");
                    }

                    @Override
                    public void broken(String detail) {
                        // Told already when the lists were looked at for themselves.
                    }
                });
            }
        }
        sums.forEach((budget, sum) -> {
            WorkingSet lists = budget.lists();
            if (budget.used() != sum.used) {
                report.violation(
                        Rule.BUDGET,
                        "a budget is charged for " + budget.used() + " frames, of which " + sum.used + " are in use");
            }
            if (lists.active() != sum.active || lists.inactive() != sum.inactive || lists.behind() != sum.behind) {
                report.violation(
                        Rule.BUDGET,
                        "a budget counts " + lists.active() + " active, " + lists.inactive() + " inactive and "
                                + lists.behind() + " left behind of " + sum.active + ", " + sum.inactive + " and "
                                + sum.behind);
            }
        });
    }

    /** How many frames are in use; looks at the shadows in the others. */
    private long count(HomedNode node) {
        long[] used = {0};
        long now = node.budget().lists().evictions();
        frames.forEachFrame(node.range(), (frame, counts, flags) -> {
            used[0] += counts != 0 ? 1 : 0;
            if (counts == 0 && WorkingSet.time(frames.links(frame)) > now) {
                report.violation(
                        Rule.SHADOW,
                        "frame 0x" + Long.toHexString(frame) + " of '" + node.name() + "' was left at eviction "
                                + WorkingSet.time(frames.links(frame)) + " of " + now);
            }
        });
        return used[0];
    }
}
