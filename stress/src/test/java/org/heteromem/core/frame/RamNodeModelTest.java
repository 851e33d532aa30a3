package org.heteromem.core.frame;

import static org.heteromem.stress.model.ModelCheck.catches;
import static org.heteromem.stress.model.ModelCheck.holds;
import static org.heteromem.stress.model.ModelCheck.require;
import static org.heteromem.stress.model.ModelCheck.together;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.heteromem.core.Page;
import org.heteromem.core.memory.ArenaStore;
import org.heteromem.core.policy.PageList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The free list and the LRU of a node. */
@Tag("lincheck")
class RamNodeModelTest {
    private final FrameTable table = new FrameTable();
    private final ArenaStore store = new ArenaStore(Page.address(3));

    @AfterEach
    void close() {
        store.close();
    }

    private RamNode node() {
        return new RamNode(0, Machines.cleared(table), 0, store);
    }

    /** A stack of three frames, linked through an array. */
    private interface FreeList {
        long pop();

        void push(long frame);
    }

    private FreeList product() {
        RamNode node = node();
        for (int i = 0; i < 3; i++) {
            node.allocate(0);
        }
        for (long frame = 2; frame >= 0; frame--) {
            table.put(frame);
        }
        return new FreeList() {
            @Override
            public long pop() {
                return node.allocate(0);
            }

            @Override
            public void push(long frame) {
                table.put(frame);
            }
        };
    }

    /** The same stack without a tag in its head: whoever read the next frame of a head that came back installs a stale one. */
    private static FreeList seeded() {
        AtomicLong head = new AtomicLong(1);
        AtomicLongArray next = new AtomicLongArray(4);
        next.set(1, 2);
        next.set(2, 3);
        return new FreeList() {
            @Override
            public long pop() {
                for (; ; ) {
                    long first = head.get();
                    if (first == 0 || head.compareAndSet(first, next.get((int) first))) {
                        return first - 1;
                    }
                }
            }

            @Override
            public void push(long frame) {
                for (; ; ) {
                    long first = head.get();
                    next.set((int) frame + 1, first);
                    if (head.compareAndSet(first, frame + 1)) {
                        return;
                    }
                }
            }
        };
    }

    private static void eachFrameHasOneOwner(FreeList list) {
        long[] held = new long[4];
        together(() -> held[0] = list.pop(), () -> {
            long first = list.pop();
            held[1] = list.pop();
            if (first >= 0) {
                list.push(first);
            }
        });
        held[2] = list.pop();
        held[3] = list.pop();
        int owned = 0;
        for (int i = 0; i < held.length; i++) {
            for (int j = 0; j < i; j++) {
                require(held[i] < 0 || held[i] != held[j], "one frame was handed out twice");
            }
            owned += held[i] >= 0 ? 1 : 0;
        }
        require(owned == 3, "a frame was lost");
    }

    @Test
    void aFrameHasOneOwner() {
        holds(() -> eachFrameHasOneOwner(product()));
        catches(() -> eachFrameHasOneOwner(seeded()));
    }

    // ---- LRU ---------------------------------------------------------------------------------------------------

    /** One page is isolated, its neighbour freed, a third made the next victim. */
    private void linksStayWhole() {
        RamNode node = node();
        for (int i = 0; i < 3; i++) {
            node.lruAdd(node.allocate(0));
        }
        together(() -> require(node.lruIsolate(1), "not isolated"), () -> table.put(0), () -> node.lruDeactivate(2));
        require(listed(node) == 3, "the lists hold " + listed(node));
        require(node.lruPages() == 1 && node.freeFrames() == 1, "a count is wrong");
    }

    /** {@return the pages on the lists as digits, each one more than its number} */
    private static long listed(RamNode node) {
        long[] seen = new long[1];
        node.walkLists(new LruNode.ListVisitor() {
            @Override
            public void lru(long frame, PageList list) {
                seen[0] = 10 * seen[0] + frame + 1;
            }

            @Override
            public void free(long frame) {
                require(frame == 0, "frame " + frame + " is free");
            }

            @Override
            public void broken(String detail) {
                require(false, detail);
            }
        });
        return seen[0];
    }

    /** The same without the lock. */
    private void linksWithoutLock() {
        Machines.cleared(table).add(0, 3, new Machines.CountingOwner());
        Lru list = new Lru(table, 0, new Lru.Tally());
        for (long frame = 0; frame < 3; frame++) {
            list.addFirst(frame);
        }
        together(() -> list.remove(1), () -> list.remove(0), () -> {
            list.remove(2);
            list.addLast(2);
        });
        long[] seen = new long[1];
        list.audit(frame -> seen[0] = 10 * seen[0] + frame + 1, broken -> require(false, broken));
        require(list.size() == 1 && seen[0] == 3, "the list holds " + seen[0] + ", counts " + list.size());
    }

    @Test
    void listsAreChangedByOneAtATime() {
        holds(this::linksStayWhole);
        catches(this::linksWithoutLock);
    }

    /** A page that is isolated by one thread is not moved by another, and goes back where it came from. */
    @Test
    void aPageIsIsolatedByOne() {
        holds(() -> {
            RamNode node = node();
            long frame = node.allocate(0);
            node.lruAdd(frame);
            boolean[] isolated = new boolean[2];
            together(
                    () -> isolated[0] = node.lruIsolate(frame),
                    () -> isolated[1] = node.lruIsolate(frame),
                    () -> node.lruDeactivate(frame));
            require(isolated[0] != isolated[1], "isolated by " + (isolated[0] ? "both" : "nobody"));
            require(node.lruPages() == 0, "an isolated page is still on a list");
            node.lruAdd(frame);
            require(node.lruPages() == 1, "a page that was put back is on no list");
        });
        catches(() -> {
            RamNode node = node();
            long frame = node.allocate(0);
            node.lruAdd(frame);
            boolean[] isolated = new boolean[2];
            // Looks first, isolates then, and believes the look.
            Runnable first = () -> {
                if (table.has(frame, Frames.LRU)) {
                    node.lruIsolate(frame);
                    isolated[0] = true;
                }
            };
            Runnable second = () -> {
                if (table.has(frame, Frames.LRU)) {
                    node.lruIsolate(frame);
                    isolated[1] = true;
                }
            };
            together(first, second);
            require(isolated[0] != isolated[1], "isolated by both");
        });
    }
}
