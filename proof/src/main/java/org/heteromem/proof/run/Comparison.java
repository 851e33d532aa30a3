package org.heteromem.proof.run;

import java.util.Arrays;
import java.util.List;
import org.heteromem.core.Access;
import org.heteromem.core.Advice;
import org.heteromem.core.Area;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.Sharing;
import org.heteromem.core.event.EventSink;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.core.inspect.PageView;
import org.heteromem.core.inspect.Violation;
import org.heteromem.proof.model.Model;
import org.heteromem.proof.model.ModelPage;
import org.heteromem.proof.op.Facts;
import org.heteromem.proof.op.Op;
import org.heteromem.proof.op.Outcome;
import org.heteromem.proof.op.Word;
import org.heteromem.proof.world.Trouble;
import org.heteromem.proof.world.World;
import org.jspecify.annotations.Nullable;

/** A world and a model that do the same steps. */
final class Comparison implements AutoCloseable {
    final World world;
    final Model model = new Model();
    private final Trouble trouble;
    private final Facts facts = new Facts();
    private final Facts nothingTold = new Facts();
    private @Nullable Outcome last;

    Comparison(Trouble trouble, @Nullable EventSink events) {
        this.trouble = trouble;
        this.world = new World(trouble, events);
    }

    /** {@return whether a step means anything now: dead processes, taken and empty slots make it nothing} */
    boolean applies(Op op) {
        return switch (op) {
            case Op.Hold hold -> model.alive(hold.space()) && model.held(hold.hold()) == null;
            case Op.Advise advise -> model.alive(advise.space()) && !awaited(advise);
            case Op.OfRange range -> model.alive(range.space());
            case Op.OfBytes bytes -> model.alive(bytes.space());
            case Op.Fork fork -> model.alive(fork.space()) && !model.alive(fork.child());
            case Op.Exit exit -> model.alive(exit.space());
            case Op.HoldRead read -> model.held(read.hold()) != null;
            case Op.HoldWrite write -> mayWrite(model.held(write.hold()));
            case Op.Release release -> model.held(release.hold()) != null;
            case Op.EvictDevice _, Op.EvictNode _, Op.Replug _ -> true;
            case Op.Budget _, Op.Reclaim _, Op.Demote _, Op.Restart _ -> true;
        };
    }

    private static boolean mayWrite(Op.@Nullable Hold held) {
        return held != null && held.access() == Access.WRITE && held.kind() != Op.HoldKind.GET;
    }

    /** Homed pages that are thrown away while somebody holds them: the next touch waits for him, here for ever. */
    private boolean awaited(Op.Advise op) {
        boolean awaited = false;
        for (int i = op.page(); i < op.page() + op.pages(); i++) {
            awaited |=
                    model.page(op.space(), i).homed && model.page(op.space(), i).held();
        }
        return awaited && (op.advice() == Advice.DONTNEED || op.advice() == Advice.GUARD_INSTALL);
    }

    /** What the last step that meant something gave in the world. */
    Outcome last() {
        Outcome outcome = last;
        if (outcome == null) {
            throw new IllegalStateException("no step was done");
        }
        return outcome;
    }

    /** {@return null, or what was different} */
    @Nullable
    String step(Op op) {
        long expected = op instanceof Op.CompareAndSet cas ? wordAt(cas) : 0;
        // Where RAM is small, it can be full of what somebody holds.
        boolean possible = trouble.possible() || world.hasStorage();
        byte @Nullable [][] before = possible ? bytesOf(op) : null;
        Outcome real;
        try {
            trouble.arm(true);
            real = world.apply(op, expected, facts);
        } catch (RuntimeException | AssertionError e) {
            return "threw " + e + " at " + (e.getStackTrace().length == 0 ? "?" : e.getStackTrace()[0]);
        } finally {
            trouble.arm(false);
        }
        last = real;
        Outcome wanted = model.apply(op, facts);
        if (possible && trouble.happened()) {
            return afterTrouble(op, wanted, real, before);
        }
        return wanted.allows(real) ? null : "gave " + real + ", must give " + wanted;
    }

    /** What a compare-and-set expects if it shall hit; any value will do where it cannot. */
    private long wordAt(Op.CompareAndSet op) {
        byte[] page = model.page(op.space(), op.at() / Page.SIZE).bytes();
        int at = op.at() % Page.SIZE;
        return page == null || at + op.bytes() > Page.SIZE ? 0 : Word.get(page, at, op.bytes());
    }

    // ---- trouble -----------------------------------------------------------------------------------------------

    private byte @Nullable [][] bytesOf(Op op) {
        int from;
        int to;
        int space;
        switch (op) {
            case Op.OfRange range -> {
                space = range.space();
                from = range.page();
                to = from + range.pages();
            }
            case Op.OfBytes bytes -> {
                space = bytes.space();
                from = bytes.at() / Page.SIZE;
                to = (bytes.at() + bytes.bytes() - 1) / Page.SIZE + 1;
            }
            default -> {
                return null;
            }
        }
        byte[][] all = new byte[Op.PAGES][];
        for (int i = from; i < to; i++) {
            byte[] now = model.page(space, i).bytes();
            all[i] = now == null ? new byte[Page.SIZE] : now.clone();
        }
        return all;
    }

    private @Nullable String afterTrouble(Op op, Outcome wanted, Outcome real, byte @Nullable [][] before) {
        if (!possibleAfterTrouble(wanted, real)) {
            return "gave " + real + " after an injected fault, must give " + wanted;
        }
        if (!wanted.allows(real)) {
            undo(op);
        }
        model.doubt(op);
        // Also where both fail alike: the injected fault may have come pages before the one that must.
        if (real.error() != null && before != null && (op instanceof Op.OfBytes || op instanceof Op.DeviceWrite)) {
            return adopt(op instanceof Op.OfBytes b ? b.space() : ((Op.DeviceWrite) op).space(), before);
        }
        return null;
    }

    /** What a step may give when something failed below it: what it must, or an error that tells of the failure. */
    static boolean possibleAfterTrouble(Outcome wanted, Outcome real) {
        return wanted.allows(real) || mayFailWith(real.error());
    }

    /** Takes back in the model what a step that failed in reality would have done for good. */
    private void undo(Op op) {
        // Of other steps nothing: rights are given or taken before anything can fail; the rest is bytes.
        if (op instanceof Op.Fork fork) {
            model.apply(new Op.Exit(fork.child()), nothingTold);
        } else if (op instanceof Op.Hold hold && model.held(hold.hold()) != null) {
            model.apply(new Op.Release(hold.hold()), nothingTold);
        }
    }

    private static boolean mayFailWith(@Nullable String error) {
        return error != null
                && switch (error) {
                    case Outcome.EXHAUSTED, "BUS", "INJECTED", "EFAULT", "ENOMEM", "EBUSY", "STUCK" -> true;
                    default -> false;
                };
    }

    /** A store that failed half-way has changed a page wholly or not at all. */
    private @Nullable String adopt(int space, byte[][] before) {
        PageView[] views = world.look(space);
        for (int i = 0; i < Op.PAGES; i++) {
            ModelPage page = model.page(space, i);
            if (before[i] == null || !page.mapped || page.damaged || page.lost) {
                continue;
            }
            boolean framed = views[i].frame() >= 0;
            if (framed && world.holds(views[i], page.bytes())) {
                continue;
            }
            if (framed && !world.holds(views[i], before[i])) {
                return "left page " + i + " half written";
            }
            page.revert(before[i]);
        }
        return null;
    }

    // ---- the whole ---------------------------------------------------------------------------------------------

    /** {@return null, or what differs between the two, page by page, without touching a page} */
    @Nullable
    String compareAll() {
        for (int space = 0; space < Op.SPACES; space++) {
            if (model.alive(space)) {
                String different = compareAreas(space);
                if (different == null) {
                    different = comparePages(space);
                }
                if (different != null) {
                    return "process " + space + ' ' + different;
                }
            }
        }
        return null;
    }

    private @Nullable String compareAreas(int space) {
        int page = 0;
        for (Area area : world.areas(space)) {
            int start = World.firstPage(area);
            int end = start + (int) Page.count(area.length());
            for (; page < start; page++) {
                if (model.page(space, page).mapped) {
                    return "page " + page + " is not mapped but must be";
                }
            }
            for (; page < end; page++) {
                Protection protection = model.page(space, page).protection;
                if (protection != area.protection()
                        || model.page(space, page).shared != (area.sharing() == Sharing.SHARED)
                        || model.page(space, page).locked != area.locked()) {
                    return "page " + page + " is in " + area + " but must be " + protection
                            + (model.page(space, page).shared ? " shared" : " private")
                            + (model.page(space, page).locked ? " locked" : "");
                }
            }
        }
        for (; page < Op.PAGES; page++) {
            if (model.page(space, page).mapped) {
                return "page " + page + " is not mapped but must be";
            }
        }
        return null;
    }

    private @Nullable String comparePages(int space) {
        PageView[] views = world.look(space);
        long resident = Arrays.stream(views)
                .filter(view -> view.frame() >= 0 && view.kind() != PageKind.ZERO)
                .count();
        if (resident != world.residentPages(space)) {
            return "has " + resident + " pages but is charged " + world.residentPages(space);
        }
        for (int i = 0; i < Op.PAGES; i++) {
            PageView view = views[i];
            boolean lost = model.page(space, i).lost;
            boolean guarded = model.page(space, i).guard;
            if ((view.kind() == PageKind.LOST) != lost || (view.kind() == PageKind.GUARD) != guarded) {
                return "page " + i + " is " + view.kind() + (lost ? ", must be lost" : "")
                        + (guarded ? ", must be guarded" : "");
            }
            if (lost || guarded || !model.page(space, i).mapped) {
                continue;
            }
            if (model.page(space, i).damaged) {
                if (view.frame() < 0 || world.readable(view)) {
                    return "page " + i + " is " + view + " and was damaged, but can be read";
                }
                continue;
            }
            byte[] bytes = model.page(space, i).bytes();
            if (view.frame() >= 0) {
                if (!world.holds(view, bytes)) {
                    return "page " + i + ", " + view + ", does not hold its bytes";
                }
            } else if (!model.page(space, i).shared && bytes != null && !allZero(bytes)) {
                return "page " + i + " is " + view.kind() + " but had bytes";
            }
        }
        return null;
    }

    private static boolean allZero(byte[] bytes) {
        for (byte b : bytes) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    /** {@return null, or what the state checker found} */
    @Nullable
    String check() {
        List<Violation> violations = world.check();
        if (!violations.isEmpty()) {
            return "left an unsound state: " + violations;
        }
        String device = world.disagreeingDevice();
        if (device != null) {
            return "left " + device + " with a list of frames that the core does not share";
        }
        String storage = world.storageTrouble();
        return storage == null ? null : "left " + storage;
    }

    /** {@return null, or what was left behind when all processes have ended and all references are back} */
    @Nullable
    String end() {
        for (int i = 0; i < Op.HOLDS; i++) {
            if (model.held(i) != null) {
                step(new Op.Release(i));
            }
        }
        for (int i = 0; i < Op.SPACES; i++) {
            if (model.alive(i)) {
                step(new Op.Exit(i));
            }
        }
        String unsound = check();
        return unsound != null
                ? unsound
                : world.leakedFrames() == 0 ? null : "leaked " + world.leakedFrames() + " frames";
    }

    @Override
    public void close() {
        world.close();
    }
}
