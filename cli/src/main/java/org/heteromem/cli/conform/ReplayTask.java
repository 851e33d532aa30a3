package org.heteromem.cli.conform;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.heteromem.core.Access;
import org.heteromem.core.AccessException;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Advice;
import org.heteromem.core.Cpu;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.RemapMode;
import org.heteromem.core.Sharing;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.PageView;
import org.heteromem.core.inspect.Smaps;
import org.heteromem.core.inspect.StateChecker;
import org.heteromem.core.pin.PageReferences;
import org.heteromem.core.pin.Pins;
import org.heteromem.devices.testdriver.PageState;
import org.heteromem.devices.testdriver.TestMirror;

/** A process of a scenario: what it has, and what it can do. Results are as recordings write them. */
final class ReplayTask {
    /** A name for a range of addresses; the range stays what it was whatever becomes of the mappings in it. */
    private record Place(long address, int pages) {}

    private final ReplayMachine machine;
    private final AddressSpace space;
    private final Cpu cpu;
    private final Map<String, Place> places;
    private final Map<Integer, TestMirror> mirrors = new LinkedHashMap<>();
    private final Map<String, PageReferences> holds = new HashMap<>();
    private final Map<String, PageReferences> pins = new HashMap<>();

    /** The first process. */
    ReplayTask(ReplayMachine machine) {
        this(machine, machine.manager().createAddressSpace(), Map.of());
    }

    private ReplayTask(ReplayMachine machine, AddressSpace space, Map<String, Place> places) {
        this.machine = machine;
        this.space = space;
        this.cpu = space.newCpu();
        this.places = new HashMap<>(places);
    }

    /** {@return a child, with the areas and without mirrors, holds and pins} */
    ReplayTask fork() {
        return new ReplayTask(machine, space.fork(), places);
    }

    /** Ends the process: first what it holds goes, then its memory, then its mirrors. */
    void exit() {
        holds.values().forEach(PageReferences::close);
        holds.clear();
        pins.values().forEach(PageReferences::close);
        pins.clear();
        cpu.close();
        space.exit();
        mirrors.values().forEach(TestMirror::close);
        mirrors.clear();
    }

    /** Tells the state checker what this process has outside the core. */
    void account(StateChecker checker) {
        holds.values().forEach(checker::holding);
        pins.values().forEach(checker::holding);
        mirrors.forEach((d, mirror) -> checker.mirror(machine.device(d), mirror::forEachEntry));
    }

    // ---- arguments ---------------------------------------------------------------------------------------------

    private Place place(String name) {
        Place place = places.get(name);
        if (place == null) {
            throw new IllegalStateException("no area " + name);
        }
        return place;
    }

    private long address(Step step, int word) {
        return place(step.word(word)).address + Page.address(step.number(word + 1));
    }

    private static int pages(Step step, int word) {
        return step.number(word + 2);
    }

    private static long bytes(Step step, int word) {
        return Page.address(pages(step, word));
    }

    private static Protection protection(String word) {
        Protection protection = Protections.of(word);
        if (protection == null) {
            throw new IllegalStateException("protection " + word);
        }
        return protection;
    }

    private static Access access(String word) {
        return word.equals("w") ? Access.WRITE : Access.READ;
    }

    private TestMirror mirror(Step step) {
        return mirrors.computeIfAbsent(step.number(0), d -> machine.device(d).mirror(space));
    }

    // ---- mappings ----------------------------------------------------------------------------------------------

    /** Carries out an operation on mappings; those that fail throw. */
    String change(Step step, long fresh) {
        switch (step.operation()) {
            case MAP -> map(step, fresh);
            case REMAP -> {
                places.put(step.word(3), new Place(fresh, pages(step, 0)));
                RemapMode mode = step.words().size() > 4 ? RemapMode.KEEP_SOURCE : RemapMode.MOVE;
                space.remap(address(step, 0), bytes(step, 0), fresh, mode);
            }
            case UNMAP -> space.unmap(address(step, 0), bytes(step, 0));
            case PROTECT -> space.protect(address(step, 0), bytes(step, 0), protection(step.word(3)));
            case ADVISE -> space.advise(address(step, 0), bytes(step, 0), advice(step.word(3)));
            case LOCK -> space.lock(address(step, 0), bytes(step, 0));
            case UNLOCK -> space.unlock(address(step, 0), bytes(step, 0));
            default -> throw new IllegalStateException(step.text());
        }
        return "ok";
    }

    private void map(Step step, long fresh) {
        int pages = step.number(1);
        places.put(step.word(0), new Place(fresh, pages));
        Sharing sharing = step.word(2).equals("shared") ? Sharing.SHARED : Sharing.PRIVATE;
        space.mapAt(fresh, Page.address(pages), protection(step.word(3)), sharing);
        // The recordings were made so, which counts where a later advice changes it.
        space.advise(fresh, Page.address(pages), Advice.NOHUGEPAGE);
    }

    private static Advice advice(String word) {
        return switch (word) {
            case "guard" -> Advice.GUARD_INSTALL;
            case "unguard" -> Advice.GUARD_REMOVE;
            default -> Advice.valueOf(word.toUpperCase(Locale.ROOT));
        };
    }

    // ---- CPU access --------------------------------------------------------------------------------------------

    private interface Touch {
        String page(long address, int i);
    }

    private static String each(long address, int pages, Touch touch) {
        return Tokens.list(IntStream.range(0, pages)
                .mapToObj(i -> touch.page(address + Page.address(i), i))
                .toList());
    }

    String access(Step step) {
        MemorySegment data = MemorySegment.ofArray(new long[Page.SIZE / Long.BYTES]);
        long value = step.words().size() > 3 ? step.value(3) : 0;
        long each = step.operation() == Operation.FILL ? 0 : 1;
        return each(address(step, 0), pages(step, 0), (address, i) -> {
            Tokens.fill(data, 0, value + i * each);
            try {
                switch (step.operation()) {
                    case READ -> {
                        cpu.read(address, data, 0, Page.SIZE);
                        return Tokens.value(data, 0);
                    }
                    case WRITE, FILL -> cpu.write(address, data, 0, Page.SIZE);
                    case PEEK -> {
                        try (PageReferences page = Pins.get(space, address, 1, Access.READ)) {
                            page.read(0, 0, data, 0, Page.SIZE);
                        }
                        return Tokens.value(data, 0);
                    }
                    case POKE -> {
                        try (PageReferences page = Pins.get(space, address, 1, Access.WRITE)) {
                            page.write(0, 0, data, 0, Page.SIZE);
                        }
                    }
                    default -> throw new IllegalStateException(step.text());
                }
                return "ok";
            } catch (AccessException e) {
                return e.signal().toString();
            } catch (MemoryException e) {
                if (step.operation() == Operation.PEEK || step.operation() == Operation.POKE) {
                    return Errno.EIO.toString();
                }
                throw e;
            }
        });
    }

    // ---- devices -----------------------------------------------------------------------------------------------

    String device(Step step) {
        if (step.operation() == Operation.EVICT) {
            // Asked of the device, not through a mirror: it opens none.
            machine.device(step.number(0)).evict();
            return "ok";
        }
        if (step.operation() == Operation.CLOSE) {
            TestMirror open = mirrors.remove(step.number(0));
            if (open != null) {
                open.close();
            }
            return "ok";
        }
        TestMirror mirror = mirror(step);
        if (step.operation() == Operation.FAIL_ALLOC) {
            mirror.failNextAllocation();
            return "ok";
        }
        long address = address(step, 1);
        int pages = pages(step, 1);
        return switch (step.operation()) {
            case SNAP ->
                Tokens.list(Arrays.stream(mirror.snapshot(address, pages))
                        .map(PageState::token)
                        .toList());
            case DEV_READ -> {
                MemorySegment data = MemorySegment.ofArray(new long[pages * (Page.SIZE / Long.BYTES)]);
                mirror.read(address, data);
                yield values(data, pages);
            }
            case DEV_WRITE -> {
                MemorySegment data = MemorySegment.ofArray(new long[pages * (Page.SIZE / Long.BYTES)]);
                for (int i = 0; i < pages; i++) {
                    Tokens.fill(data, i, step.value(4) + i);
                }
                mirror.write(address, data);
                yield "ok";
            }
            case TO_DEV -> {
                mirror.migrateToDevice(address, pages);
                yield "ok " + mirror.localPages(address, pages);
            }
            case TO_RAM -> {
                int before = mirror.localPages(address, pages);
                mirror.migrateToRam(address, pages);
                yield "ok " + (before - mirror.localPages(address, pages));
            }
            case EXCL -> {
                mirror.makeExclusive(address, pages);
                yield "ok";
            }
            case CHECK_EXCL -> flags(mirror.exclusive(address, pages), "held", "free");
            default -> throw new IllegalStateException(step.text());
        };
    }

    private static String flags(boolean[] flags, String set, String clear) {
        return Tokens.list(IntStream.range(0, flags.length)
                .mapToObj(i -> flags[i] ? set : clear)
                .toList());
    }

    private static String values(MemorySegment data, int pages) {
        return Tokens.list(
                IntStream.range(0, pages).mapToObj(i -> Tokens.value(data, i)).toList());
    }

    // ---- observation -------------------------------------------------------------------------------------------

    String pagemap(Step step) {
        PageView[] views = Inspector.pages(space, address(step, 0), pages(step, 0));
        List<String> letters = new ArrayList<>(views.length);
        for (PageView view : views) {
            letters.add(
                    switch (view.kind()) {
                        case UNMAPPED, NONE -> "-";
                        case PRESENT -> "p" + (view.anonymous() ? "" : "f") + (view.mappings() == 1 ? "x" : "");
                        case ZERO -> "p";
                        case DEVICE_PRIVATE, DEVICE_EXCLUSIVE -> "s";
                        case GUARD -> "sg";
                        case MIGRATION, LOST -> view.kind().toString();
                    });
        }
        return Tokens.list(letters);
    }

    String rss(Step step) {
        Place place = place(step.word(0));
        Smaps sums = Inspector.smaps(space, place.address, Page.address(place.pages));
        return "rss=" + sums.resident() + " anon=" + sums.anonymous();
    }

    String mincore(Step step) {
        return flags(Inspector.mincore(space, address(step, 0), pages(step, 0)), "1", "0");
    }

    // ---- references --------------------------------------------------------------------------------------------

    String reference(Step step) {
        String name = step.word(0);
        switch (step.operation()) {
            case HOLD -> {
                free(holds, name);
                holds.put(name, Pins.get(space, address(step, 1), pages(step, 1), Access.READ));
            }
            case PIN -> {
                free(pins, name);
                pins.put(name, Pins.pinLongTerm(space, address(step, 1), pages(step, 1), access(step.word(4))));
            }
            case UNHOLD -> {
                try (PageReferences held = named(holds, name)) {
                    holds.remove(name);
                    return contents(held);
                }
            }
            case PIN_READ -> {
                return contents(named(pins, name));
            }
            case UNPIN -> {
                named(pins, name).close();
                pins.remove(name);
            }
            default -> throw new IllegalStateException(step.text());
        }
        return "ok";
    }

    private static void free(Map<String, PageReferences> references, String name) {
        if (references.containsKey(name)) {
            throw new MemoryException(Errno.EEXIST, "something is held under the name " + name);
        }
    }

    private static PageReferences named(Map<String, PageReferences> references, String name) {
        PageReferences found = references.get(name);
        if (found == null) {
            throw new MemoryException(Errno.EBADF, "nothing is held under the name " + name);
        }
        return found;
    }

    private static String contents(PageReferences held) {
        int pages = held.pages();
        MemorySegment data = MemorySegment.ofArray(new long[pages * (Page.SIZE / Long.BYTES)]);
        for (int i = 0; i < pages; i++) {
            held.read(i, 0, data, Page.address(i), Page.SIZE);
        }
        return values(data, pages);
    }

    /** Takes references page by page and gives them back at the end. */
    String brief(Step step) {
        List<PageReferences> taken = new ArrayList<>();
        try {
            for (int i = 0; i < pages(step, 0); i++) {
                long address = address(step, 0) + Page.address(i);
                taken.add(
                        step.operation() == Operation.GET
                                ? Pins.get(space, address, 1, access(step.word(3)))
                                : Pins.pinLongTerm(space, address, 1, access(step.word(3))));
            }
        } catch (MemoryException e) {
            // The count says how far it came.
        } finally {
            taken.forEach(PageReferences::close);
        }
        return "ok " + taken.size();
    }
}
