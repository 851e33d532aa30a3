package org.heteromem.proof.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.heteromem.core.Access;
import org.heteromem.core.Advice;
import org.heteromem.core.Protection;
import org.heteromem.core.RemapMode;
import org.heteromem.core.inspect.PageKind;
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

    /** Of the steps of a device: whose private memory a page is in. */
    public static final List<String> OWNERS =
            List.of("private-r own", "private-w own", "private-r foreign", "private-w foreign");

    /** Too rare to meet every step in a build: shown in the table, and a hole is none. */
    public static final String DAMAGED = "damaged";

    private final Map<String, Map<String, Long>> met = new TreeMap<>();

    /** Makes an empty table. */
    public Coverage() {}

    void before(Op op, World world, Model model) {
        switch (op) {
            case Op.OfRange range ->
                pages(op, range.space(), range.page(), range.page() + range.pages(), world, model, view -> true);
            case Op.OfBytes bytes -> {
                int page = bytes.at() / org.heteromem.core.Page.SIZE;
                pages(op, bytes.space(), page, page + 1, world, model, view -> true);
            }
            case Op.Fork fork -> pages(op, fork.space(), 0, Op.PAGES, world, model, Coverage::mapped);
            case Op.Exit exit -> pages(op, exit.space(), 0, Op.PAGES, world, model, Coverage::mapped);
            default -> {
                // What goes by frames meets every page that lives in one of them, whosever it is.
                for (int space = 0; space < Op.SPACES; space++) {
                    if (model.alive(space)) {
                        pages(op, space, 0, Op.PAGES, world, model, view -> concerns(op, world, view));
                    }
                }
            }
        }
    }

    private static boolean mapped(PageView view) {
        return view.kind() != PageKind.UNMAPPED;
    }

    private static boolean concerns(Op op, World world, PageView view) {
        return switch (op) {
            case Op.Demote demote -> state(view).equals("stored-" + store(demote.store()));
            case Op.Restart restart -> state(view).equals("stored-" + store(restart.store()));
            case Op.Budget _, Op.Reclaim _ -> view.kind() == PageKind.PRESENT;
            default -> world.concerns(op, view);
        };
    }

    private void pages(Op op, int space, int from, int to, World world, Model model, Predicate<PageView> concerned) {
        PageView[] views = world.look(space);
        String name = name(op);
        for (int i = from; i < to; i++) {
            PageView view = views[i];
            if (!concerned.test(view)) {
                continue;
            }
            String state = state(view);
            boolean homed = model.page(space, i).homed && !state.startsWith("stored") && view.frame() >= 0;
            if (op instanceof Op.Budget && !homed) {
                continue;
            }
            note(name, state);
            if (state.startsWith("private") && device(op) >= 0) {
                boolean own = view.memory().equals("device" + device(op));
                note(name, state + (own ? OWN : FOREIGN));
            }
            if (homed) {
                note(name, homed(state));
            }
            if (model.page(space, i).damaged) {
                note(name, DAMAGED);
            }
            if (view.pins() > 0) {
                note(name, "pinned");
            }
        }
    }

    /** The device that does a step, or -1. */
    private static int device(Op op) {
        return switch (op) {
            case Op.ToDevice to -> to.device();
            case Op.ToDeviceAtOnce to -> to.device();
            case Op.Snapshot snapshot -> snapshot.device();
            case Op.ToRam to -> to.device();
            case Op.DeviceRead read -> read.device();
            case Op.DeviceWrite write -> write.device();
            case Op.Exclusive exclusive -> exclusive.device();
            case Op.Lose lose -> lose.device();
            default -> -1;
        };
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
        int by = device(op);
        if (by >= 0) {
            return name + kind(by);
        }
        return switch (op) {
            case Op.Advise advise -> name + ' ' + advise.advice();
            case Op.Protect protect -> name + ' ' + protect.protection();
            case Op.Remap remap -> name + ' ' + remap.mode();
            case Op.Hold hold -> name + ' ' + hold.kind() + ' ' + hold.access();
            case Op.Fault fault -> name + ' ' + fault.access();
            case Op.EvictDevice evict -> name + kind(evict.device());
            case Op.Replug replug -> name + kind(replug.device());
            case Op.Evict evict -> name + ' ' + store(evict.store());
            case Op.Fetch fetch -> name + ' ' + store(fetch.store());
            case Op.Damage damage -> name + ' ' + store(damage.store());
            case Op.Demote demote -> name + ' ' + store(demote.store());
            case Op.Restart restart -> name + ' ' + store(restart.store());
            default -> name;
        };
    }

    private static String store(int store) {
        return STORES.get(store);
    }

    private static final List<String> STORES = List.of("ram", "file", "compressed");
    private static final String PRIVATE = " PRIVATE";
    private static final String COHERENT = " COHERENT";
    private static final String OWN = " own";
    private static final String FOREIGN = " foreign";

    private static String kind(int device) {
        return device < World.DEVICES / 2 ? PRIVATE : COHERENT;
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

    // ---- what there is to be met -------------------------------------------------------------------------------

    private static final List<String> BY_DEVICES = List.of(
            "DeviceRead", "DeviceWrite", "Exclusive", "ToDevice", "ToDeviceAtOnce", "Snapshot", "ToRam", "Lose");

    /**
     * {@return the names of all steps, and the states that each can meet}
     *
     * @param storage of worlds with storage, where only what is stored or homed counts
     */
    static Map<String, List<String>> wanted(boolean storage) {
        Map<String, List<String>> wanted = new TreeMap<>();
        List<String> states = storage ? STORAGE_STATES : STATES;
        for (String plain : List.of(
                "Map", "Unmap", "Lock", "Unlock", "Load", "Store", "CompareAndSet", "Add", "Read", "Write", "ToNode")) {
            wanted.put(plain, states);
        }
        variants(wanted, "Advise", Advice.values(), states);
        variants(wanted, "Protect", Protection.values(), states);
        variants(wanted, "Remap", RemapMode.values(), states);
        variants(wanted, "Fault", Access.values(), states);
        for (Op.HoldKind kind : Op.HoldKind.values()) {
            variants(wanted, "Hold " + kind, Access.values(), states);
        }
        List<String> withOwners = new ArrayList<>(states);
        List<String> withForeign = new ArrayList<>(states);
        if (!storage) {
            withOwners.addAll(OWNERS);
            withForeign.addAll(OWNERS.subList(2, 4));
        }
        for (String step : BY_DEVICES) {
            wanted.put(step + PRIVATE, withOwners);
            wanted.put(step + COHERENT, withForeign);
        }
        wantedByFrames(wanted, storage);
        if (storage) {
            wanted.put("MapHomed", states);
            for (String store : STORES) {
                wanted.put("Evict " + store, states);
                wanted.put("Fetch " + store, states);
                wanted.put("Damage " + store, states);
                wanted.put("Demote " + store, List.of("stored-" + store));
                wanted.put("Restart " + store, List.of("stored-" + store));
            }
            wanted.put("Budget", List.of("homed"));
            wanted.put("Reclaim", List.of("homed"));
        }
        return wanted;
    }

    private static void wantedByFrames(Map<String, List<String>> wanted, boolean storage) {
        List<String> mapped = new ArrayList<>(storage ? STORAGE_STATES : STATES);
        mapped.remove("unmapped");
        wanted.put("Fork", mapped);
        wanted.put("Exit", mapped);
        List<String> ram = List.of("ram-r", "ram-w", "exclusive-ram", "pinned");
        List<String> coherent = List.of("coherent-r", "coherent-w", "exclusive-coherent", "pinned");
        List<String> near = storage ? List.of("homed-private") : List.of("private-r", "private-w");
        List<String> far = storage ? List.of("homed-coherent") : coherent;
        wanted.put("EvictDevice" + PRIVATE, near);
        wanted.put("EvictDevice" + COHERENT, far);
        wanted.put("Replug" + PRIVATE, near);
        wanted.put("Replug" + COHERENT, far);
        wanted.put("EvictNode", storage ? List.of() : ram);
        List<String> held = new ArrayList<>(storage ? List.of("homed", "homed-coherent") : ram);
        if (!storage) {
            held.addAll(coherent);
        }
        // Of coherent memory only what can be written and is the process's: the rest is too rare.
        List<String> written = new ArrayList<>(held);
        written.removeAll(List.of("coherent-r", "exclusive-coherent"));
        wanted.put("HoldWrite", written);
        List<String> read = new ArrayList<>(held);
        if (!storage) {
            read.add("zero");
        }
        wanted.put("HoldRead", read);
        wanted.put("Release", read);
    }

    private static void variants(Map<String, List<String>> wanted, String step, Object[] all, List<String> states) {
        for (Object variant : all) {
            wanted.put(step + ' ' + variant, states);
        }
    }

    /**
     * {@return the combinations that should have been met and never were}
     *
     * @param storage of worlds with storage
     */
    public List<String> holes(boolean storage) {
        List<String> holes = new ArrayList<>();
        wanted(storage).forEach((operation, states) -> {
            for (String state : states) {
                if (count(operation, state) == 0) {
                    holes.add(operation + " x " + state);
                }
            }
        });
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
