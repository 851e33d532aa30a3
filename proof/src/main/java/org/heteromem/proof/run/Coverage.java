package org.heteromem.proof.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.heteromem.core.inspect.PageView;
import org.heteromem.proof.model.Model;
import org.heteromem.proof.op.Op;
import org.heteromem.proof.world.World;

/** Which steps met which kinds of page-table entries, and where those pages lived. */
public final class Coverage {
    /** The kinds of entries that a quiet world can have, and the memory behind them. */
    public static final List<String> STATES = List.of(
            "unmapped",
            "none",
            "zero",
            "ram-r",
            "ram-w",
            "coherent-r",
            "coherent-w",
            "private-r",
            "private-w",
            "exclusive-ram",
            "exclusive-coherent",
            "guard",
            "lost",
            "pinned");

    /** The same of worlds with storage: homed pages in their frames and on other devices, and pages on storage devices. */
    public static final List<String> STORAGE_STATES =
            List.of("homed", "homed-coherent", "homed-private", "stored-ram", "stored-file", "stored-compressed");

    /** Too rare to meet every step in a build: shown in the table, and a hole is none. */
    public static final String DAMAGED = "damaged";

    private final Map<String, Map<String, Long>> met = new TreeMap<>();

    /** Makes an empty table. */
    public Coverage() {}

    void before(Op op, World world, Model model) {
        if (!(op instanceof Op.OfRange) && !(op instanceof Op.OfBytes)) {
            return;
        }
        int space = op instanceof Op.OfRange r ? r.space() : ((Op.OfBytes) op).space();
        int from = op instanceof Op.OfRange r ? r.page() : ((Op.OfBytes) op).at() / org.heteromem.core.Page.SIZE;
        int count = op instanceof Op.OfRange r ? r.pages() : 1;
        PageView[] views = world.look(space);
        String name = name(op);
        for (int i = from; i < from + count; i++) {
            String state = state(views[i]);
            note(name, state);
            if (model.page(space, i).homed && !state.startsWith("stored") && views[i].frame() >= 0) {
                note(name, homed(state));
            }
            if (model.page(space, i).damaged) {
                note(name, DAMAGED);
            }
            if (views[i].pins() > 0) {
                note(name, "pinned");
            }
        }
    }

    private void note(String operation, String state) {
        met.computeIfAbsent(operation, o -> new TreeMap<>()).merge(state, 1L, Long::sum);
    }

    /** Adds what another table has. */
    void add(Coverage other) {
        other.met.forEach((operation, states) -> states.forEach((state, n) ->
                met.computeIfAbsent(operation, o -> new TreeMap<>()).merge(state, n, Long::sum)));
    }

    private static String name(Op op) {
        String name = op.getClass().getSimpleName();
        return switch (op) {
            case Op.Advise advise -> name + ' ' + advise.advice();
            case Op.Protect protect -> name + ' ' + protect.protection();
            case Op.Remap remap -> name + ' ' + remap.mode();
            case Op.Hold hold -> name + ' ' + hold.kind() + ' ' + hold.access();
            case Op.Fault fault -> name + ' ' + fault.access();
            case Op.ToDevice to -> name + device(to.device());
            case Op.ToRam to -> name + device(to.device());
            case Op.DeviceRead read -> name + device(read.device());
            case Op.DeviceWrite write -> name + device(write.device());
            case Op.Exclusive exclusive -> name + device(exclusive.device());
            case Op.Lose lose -> name + device(lose.device());
            case Op.Evict evict -> name + store(evict.store());
            case Op.Fetch fetch -> name + store(fetch.store());
            case Op.Damage damage -> name + store(damage.store());
            default -> name;
        };
    }

    private static String store(int store) {
        return STORES.get(store);
    }

    private static final List<String> STORES = List.of(" RAM", " FILE", " COMPRESSED");

    private static String device(int device) {
        return device < World.DEVICES / 2 ? " PRIVATE" : " COHERENT";
    }

    private static String homed(String state) {
        return state.startsWith("coherent") || state.startsWith("private")
                ? "homed-" + state.substring(0, state.indexOf('-'))
                : "homed";
    }

    private static String state(PageView view) {
        boolean device = view.memory().startsWith("device");
        String right = view.writable() ? "-w" : "-r";
        return switch (view.kind()) {
            case PRESENT -> (device ? "coherent" : "ram") + right;
            case DEVICE_PRIVATE -> device ? "private" + right : "stored-" + view.memory();
            case DEVICE_EXCLUSIVE -> "exclusive-" + (device ? "coherent" : "ram");
            default -> view.kind().name().toLowerCase(Locale.ROOT);
        };
    }

    /** {@return how many times a step met a state} */
    long count(String operation, String state) {
        return met.getOrDefault(operation, Map.of()).getOrDefault(state, 0L);
    }

    /**
     * {@return the combinations that were never met}
     *
     * @param states which states should have been met by each operation that happened
     */
    public List<String> holes(List<String> states) {
        List<String> holes = new ArrayList<>();
        for (String operation : met.keySet()) {
            for (String state : states) {
                if (count(operation, state) == 0) {
                    holes.add(operation + " x " + state);
                }
            }
        }
        return holes;
    }

    /** {@return the names of the steps that were met at all} */
    public Set<String> operations() {
        return Set.copyOf(met.keySet());
    }

    /**
     * {@return a table for people}
     *
     * @param states its columns
     */
    public String table(List<String> states) {
        StringBuilder text = new StringBuilder(String.format(Locale.ROOT, "%-24s", "operation"));
        states.forEach(state -> text.append(String.format(Locale.ROOT, "%19s", state)));
        text.append('\n');
        for (String operation : met.keySet()) {
            text.append(String.format(Locale.ROOT, "%-24s", operation));
            states.forEach(state -> text.append(String.format(Locale.ROOT, "%19d", count(operation, state))));
            text.append('\n');
        }
        return text.toString();
    }
}
