package org.heteromem.proof.world;

import java.util.Arrays;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Page;
import org.heteromem.core.inspect.MirrorView;
import org.heteromem.core.mirror.IntervalNotifier;
import org.heteromem.core.mirror.Invalidation;
import org.heteromem.proof.op.Op;

/** What one device knows of one process: a frame and a right for each page of the window. Used by one thread. */
final class ProofMirror implements AutoCloseable {
    enum Right {
        NONE,
        READ,
        WRITE,
        /** Taken from the CPU. */
        ATOMIC
    }

    final AddressSpace space;
    final IntervalNotifier notifier;
    private final Object owner;
    private final long[] frames = new long[Op.PAGES];
    private final Right[] rights = new Right[Op.PAGES];

    ProofMirror(AddressSpace space, Object owner) {
        this.space = space;
        this.owner = owner;
        Arrays.fill(rights, Right.NONE);
        this.notifier = IntervalNotifier.insert(space, World.BASE, Op.PAGES * (long) Page.SIZE, this::invalidate);
    }

    private void invalidate(Invalidation change, long sequence) {
        notifier.setSequence(sequence);
        if (change.reason() == Invalidation.Reason.MIGRATE && change.owner() == owner) {
            // The device's own doing: it corrects its table itself.
            return;
        }
        int from = (int) Math.max(0, Page.of(change.address() - World.BASE));
        long to = Math.min(Op.PAGES, Page.of(change.end() - World.BASE));
        if (change.address() < World.BASE) {
            from = 0;
        }
        for (int i = from; i < to; i++) {
            rights[i] = Right.NONE;
        }
    }

    void set(int page, long frame, Right right) {
        frames[page] = frame;
        rights[page] = right;
    }

    void forget(int page) {
        rights[page] = Right.NONE;
    }

    Right right(int page) {
        return rights[page];
    }

    long frame(int page) {
        return frames[page];
    }

    void forEach(MirrorView.Visitor visitor) {
        for (int i = 0; i < Op.PAGES; i++) {
            if (rights[i] != Right.NONE) {
                visitor.entry(space, World.address(i), frames[i], rights[i] != Right.READ);
            }
        }
    }

    @Override
    public void close() {
        notifier.close();
    }
}
