package org.heteromem.core.frame;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicInteger;
import org.heteromem.core.Page;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.policy.PageList;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** The LRU of a node: who isolates a page has it alone, and the links stay whole. The seeded ones forget the lock. */
public final class LruStress {
    private static final int PAGES = 3;
    /** Many more than are in use at a time. */
    private static final int NODES = 1024;

    private static final ArenaStore STORE = new ArenaStore(Page.address(PAGES));
    private static final RamNode[] ALL = new RamNode[NODES];
    private static final FrameTable[] TABLES = new FrameTable[NODES];
    private static final AtomicInteger NEXT = new AtomicInteger();

    static {
        for (int i = 0; i < NODES; i++) {
            TABLES[i] = new FrameTable();
            ALL[i] = new RamNode(0, TABLES[i], 0, STORE);
            for (int page = 0; page < PAGES; page++) {
                ALL[i].allocate(0);
            }
        }
    }

    private LruStress() {}

    /** A node of three pages, all on its inactive list: 2, 1, 0. */
    @State
    public static class OneNode {
        /** Its frames. */
        final FrameTable table;
        /** Itself. */
        final RamNode node;

        OneNode() {
            int index = NEXT.getAndIncrement() & (NODES - 1);
            table = TABLES[index];
            node = ALL[index];
            for (int page = 0; page < PAGES; page++) {
                node.lruIsolate(page);
            }
            for (int page = 0; page < PAGES; page++) {
                node.lruAdd(page);
            }
        }

        /** {@return the pages on the lists as digits, each one more than its number, or -1 if a list is broken} */
        final int listed() {
            int[] seen = new int[1];
            boolean[] broken = new boolean[1];
            node.walkLists(new LruNode.ListVisitor() {
                @Override
                public void lru(long frame, PageList list) {
                    seen[0] = seen[0] * 10 + (int) frame + 1;
                }

                @Override
                public void free(long frame) {
                    broken[0] = true;
                }

                @Override
                public void broken(String detail) {
                    broken[0] = true;
                }
            });
            return broken[0] ? -1 : seen[0];
        }
    }

    @JCStressTest
    @Outcome(
            id = {"1, 0", "0, 1"},
            expect = ACCEPTABLE,
            desc = "isolated by one")
    @Outcome(expect = FORBIDDEN, desc = "isolated by both, or by nobody")
    @State
    public static class IsolateProduct extends OneNode {
        public IsolateProduct() {}

        @Actor
        public void migrator(II_Result r) {
            r.r1 = node.lruIsolate(1) ? 1 : 0;
        }

        @Actor
        public void reclaim(II_Result r) {
            r.r2 = node.lruIsolate(1) ? 1 : 0;
        }
    }

    @JCStressTest
    @Outcome(
            id = {"1, 0", "0, 1"},
            expect = ACCEPTABLE,
            desc = "isolated by one")
    @Outcome(expect = FORBIDDEN, desc = "isolated by both, or by nobody")
    @State
    public static class IsolateSeededBelievesItsLook extends OneNode {
        public IsolateSeededBelievesItsLook() {}

        private int isolate() {
            if (!table.has(1, Frames.LRU)) {
                return 0;
            }
            node.lruIsolate(1);
            return 1;
        }

        @Actor
        public void migrator(II_Result r) {
            r.r1 = isolate();
        }

        @Actor
        public void reclaim(II_Result r) {
            r.r2 = isolate();
        }
    }

    @JCStressTest
    @Outcome(id = "13", expect = ACCEPTABLE, desc = "both changes, one after the other")
    @Outcome(expect = FORBIDDEN, desc = "the links are broken, or a page is lost")
    @State
    public static class LinksProduct extends OneNode {
        public LinksProduct() {}

        @Actor
        public void migrator() {
            node.lruIsolate(1);
        }

        @Actor
        public void walker() {
            node.lruDeactivate(2);
        }

        @Arbiter
        public void after(I_Result r) {
            r.r1 = listed();
        }
    }

    @JCStressTest
    @Outcome(id = "13", expect = ACCEPTABLE, desc = "both changes, one after the other")
    @Outcome(expect = FORBIDDEN, desc = "the links are broken, or a page is lost")
    @State
    public static class LinksSeededNoLock {
        private static final int FRAMES = 1 << 16;
        private static final FrameTable TABLE = new FrameTable();

        static {
            TABLE.add(0, FRAMES, new Machines.CountingOwner());
        }

        private final int first = NEXT.getAndIncrement() * 4 & (FRAMES - 1);
        private final Lru list = new Lru(TABLE, first, new Lru.Tally());

        public LinksSeededNoLock() {
            for (int page = 0; page < PAGES; page++) {
                list.addFirst(first + page);
            }
        }

        @Actor
        public void migrator() {
            list.remove(first + 1);
        }

        @Actor
        public void walker() {
            list.remove(first + 2);
            list.addLast(first + 2);
        }

        @Arbiter
        public void after(I_Result r) {
            list.audit(frame -> r.r1 = r.r1 * 10 + (int) (frame - first) + 1, broken -> r.r1 = -1);
        }
    }
}
