package org.heteromem.proof.run;

import java.util.List;
import java.util.Locale;
import org.heteromem.core.Access;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.RemapMode;
import org.heteromem.core.Sharing;
import org.heteromem.proof.op.Op;
import org.heteromem.proof.op.OpText;
import org.jspecify.annotations.Nullable;

/**
 * Steps as a scenario file, as far as that can say them, for a look at what another implementation does. Areas get a name
 * each; a range over several is one line for each. A step that a scenario cannot say (parts of a page, moves by frame, nodes)
 * becomes a comment. Results are left open, as a question mark.
 */
final class ScenarioText {
    private record Place(String area, int page) {}

    private final @Nullable Place[][] places = new Place[Op.SPACES][Op.PAGES];
    private final int[] tasks = {0, -1, -1};
    private final StringBuilder text = new StringBuilder();
    private int areas;
    private int lastTask;

    private ScenarioText() {}

    static String of(String name, List<Op> ops) {
        ScenarioText made = new ScenarioText();
        made.text.append("scenario ").append(name).append('\n');
        ops.forEach(made::add);
        return made.text.toString();
    }

    private void line(int space, String operation) {
        text.append(tasks[space]).append(' ').append(operation).append(" -> ?\n");
    }

    private static String word(Protection protection) {
        return switch (protection) {
            case NONE -> "none";
            case READ -> "r";
            case READ_WRITE -> "rw";
        };
    }

    /** One line for each area that the range meets; holes are left out. */
    private void eachArea(Op.OfRange op, String before, String after) {
        for (int i = op.page(); i < op.page() + op.pages(); ) {
            Place first = places[op.space()][i];
            int run = 1;
            while (first != null
                    && i + run < op.page() + op.pages()
                    && follows(first, places[op.space()][i + run], run)) {
                run++;
            }
            if (first != null) {
                line(op.space(), before + ' ' + first.area + '+' + first.page + ' ' + run + after);
            }
            i += run;
        }
    }

    private static boolean follows(Place first, @Nullable Place next, int by) {
        return next != null && next.area.equals(first.area) && next.page == first.page + by;
    }

    private void add(Op op) {
        switch (op) {
            case Op.Map o -> {
                String area = "A" + areas++;
                line(
                        o.space(),
                        "map " + area + ' ' + o.pages() + (o.sharing() == Sharing.SHARED ? " shared " : " anon ")
                                + word(o.protection()));
                for (int i = 0; i < o.pages(); i++) {
                    places[o.space()][o.page() + i] = new Place(area, i);
                }
            }
            case Op.MapHomed o -> {
                // What a program can see of it; the next kernel has nothing like it.
                add(new Op.Map(o.space(), o.page(), o.pages(), Protection.READ_WRITE, Sharing.PRIVATE));
                eachArea(o, "advise", " dontfork");
            }
            case Op.Unmap o -> {
                eachArea(o, "unmap", "");
                java.util.Arrays.fill(places[o.space()], o.page(), o.page() + o.pages(), null);
            }
            case Op.Protect o -> eachArea(o, "protect", ' ' + word(o.protection()));
            case Op.Remap o -> remap(o);
            case Op.Advise o -> eachArea(o, "advise", ' ' + advice(o));
            case Op.Lock o -> eachArea(o, "lock", "");
            case Op.Unlock o -> eachArea(o, "unlock", "");
            case Op.Fork o -> {
                line(o.space(), "fork " + ++lastTask);
                tasks[o.child()] = lastTask;
                places[o.child()] = places[o.space()].clone();
            }
            case Op.Exit o -> line(o.space(), "exit");
            case Op.DeviceRead o -> eachArea(o, "dev-read " + o.device(), "");
            case Op.DeviceWrite o ->
                eachArea(o, "dev-write " + o.device(), " 0x" + Long.toHexString(o.seed() & 0xffff));
            case Op.Exclusive o -> eachArea(o, "excl " + o.device(), "");
            case Op.ToDevice o -> eachArea(o, "to-dev " + o.device(), "");
            case Op.ToDeviceAtOnce o -> eachArea(o, "to-dev " + o.device(), "");
            case Op.ToRam o -> eachArea(o, "to-ram " + o.device(), "");
            case Op.EvictDevice o -> line(0, "evict " + o.device());
            case Op.Hold o -> {
                String name = "H" + o.hold();
                if (o.kind() == Op.HoldKind.GET) {
                    eachArea(o, "hold " + name, "");
                } else {
                    eachArea(o, "pin " + name, o.access() == Access.WRITE ? " w" : " r");
                }
            }
            case Op.Fault o ->
                eachArea(
                        o,
                        o.access() == Access.WRITE ? "advise" : "read",
                        o.access() == Access.WRITE ? " populate_write" : "");
            case Op.OfBytes o -> bytes(o);
            default ->
                text.append("# no scenario can say: ").append(OpText.format(op)).append('\n');
        }
    }

    private static String advice(Op.Advise o) {
        return switch (o.advice()) {
            case GUARD_INSTALL -> "guard";
            case GUARD_REMOVE -> "unguard";
            default -> o.advice().name().toLowerCase(Locale.ROOT);
        };
    }

    private void remap(Op.Remap o) {
        Place from = places[o.space()][o.page()];
        if (from == null || !follows(from, places[o.space()][o.page() + o.pages() - 1], o.pages() - 1)) {
            text.append("# no scenario can say: ").append(OpText.format(o)).append('\n');
            return;
        }
        boolean keep = o.mode() == RemapMode.KEEP_SOURCE;
        String area = "A" + areas++;
        line(
                o.space(),
                "remap " + from.area + '+' + from.page + ' ' + o.pages() + ' ' + area + (keep ? " dontunmap" : ""));
        for (int i = 0; i < o.pages(); i++) {
            places[o.space()][o.target() + i] = new Place(area, i);
            if (!keep) {
                places[o.space()][o.page() + i] = null;
            }
        }
    }

    /** Whole pages stand for the bytes that were touched. */
    private void bytes(Op.OfBytes o) {
        int first = o.at() / Page.SIZE;
        int count = (o.at() + o.bytes() - 1) / Page.SIZE - first + 1;
        boolean read = o instanceof Op.Load || o instanceof Op.Read;
        for (int page = first; page < first + count; page++) {
            eachArea(
                    new Op.Lock(o.space(), page, 1),
                    read ? "read" : "fill",
                    read ? "" : " 0x" + Integer.toHexString(OpText.format(o).hashCode() & 0xffff));
        }
    }
}
