package org.heteromem.live.daemon;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.heteromem.core.Page;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.memory.WorkingSetFigures;
import org.heteromem.live.Status;
import org.heteromem.live.wire.RangeRequest;

/** What can be seen of one client: its counters, and where its pages are. May be asked by any thread. */
final class ClientView {
    private static final int INSPECTED_PAGES = 1 << 16;

    private final long number;
    private final ClientMemory memory;
    private final FaultPump pump;

    ClientView(long number, ClientMemory memory, FaultPump pump) {
        this.number = number;
        this.memory = memory;
        this.pump = pump;
    }

    /** What the session does and has, for status and top. */
    Map<String, Long> status() {
        Map<String, Long> all = new LinkedHashMap<>();
        FrameBudget budget = memory.budget();
        LiveMmu mmu = memory.mmu();
        all.put(Status.CLIENT, number);
        all.put("ram.limit", Page.address(budget.limit()));
        all.put("ram.used", Page.address(budget.used()));
        all.put("faults", pump.faults.sum());
        all.put("bytes.in", Page.address(mmu.pagesIn.sum()));
        all.put("bytes.out", Page.address(mmu.pagesOut.sum()));
        all.put("bytes.zeroed", Page.address(mmu.pagesZeroed.sum()));
        all.put("reclaim.direct", memory.evictor().direct.sum());
        all.put("reclaim.ahead", memory.evictor().ahead.sum());
        WorkingSetFigures pages = budget.workingSet();
        all.put("ram.protected", Page.address(pages.active()));
        all.put("ram.behind", Page.address(pages.behind()));
        all.put("evictions", pages.evictions());
        all.put("refaults", pages.refaults());
        all.put("refaults.protected", pages.activations());
        all.put("pages.watched", pages.watched());
        all.put("pages.accessed", pages.accesses());
        memory.devices().forEach(device -> {
            var figures = device.statistics();
            String prefix = "device." + device.name();
            all.put(prefix + ".held", Page.address(figures.pagesStored()));
            all.put(prefix + ".stored", figures.bytesStored());
            all.put(prefix + ".copies", Page.address(figures.copies()));
            all.put(prefix + ".uncopied", Page.address(figures.copiesUsed()));
            all.put(prefix + ".capacity", figures.capacityBytes());
        });
        Computing computes = memory.computing();
        if (computes != null) {
            var figures = computes.accelerator().statistics();
            long frames = computes.accelerator().memory().frames();
            long held = frames - computes.accelerator().freeFrames();
            String prefix = "device." + ComputeDevice.NAME;
            all.put(prefix + ".held", Page.address(held));
            all.put(prefix + ".stored", Page.address(held));
            all.put(prefix + ".capacity", Page.address(frames));
            all.put(prefix + ".in", figures.bytesToDevice());
            all.put(prefix + ".out", figures.bytesToRam());
            all.put("kernels", computes.launches.sum());
            all.put("kernels.running", (long) computes.running());
            all.put("kernels.failed", computes.failures.sum());
        }
        return all;
    }

    /** What every region has where, as Linux's smaps writes it. */
    String smaps() {
        StringBuilder text = new StringBuilder();
        for (Region region : memory.regions()) {
            Map<String, Long> where = places();
            count(region.address, Page.of(region.bytes), where);
            text.append(String.format(
                    Locale.ROOT,
                    "%x-%x rw-s region %d %s%n%-20s %12d kB%n",
                    region.address,
                    region.address + region.bytes,
                    region.id,
                    region.name,
                    "size:",
                    region.bytes >> 10));
            where.forEach((place, pages) ->
                    text.append(String.format(Locale.ROOT, "%-20s %12d kB%n", place + ':', Page.address(pages) >> 10)));
        }
        return text.toString();
    }

    /** Where the pages of some ranges are: how many in each place. */
    Map<String, Long> residency(Region region, RangeRequest request) {
        Map<String, Long> where = places();
        where.put("absent", 0L);
        for (int i = 0; i < request.count(); i++) {
            count(region.address + request.offset(i), Page.of(request.rangeBytes(i)), where);
        }
        return where;
    }

    /** How many pages of some ranges are of a kind. */
    long count(Region region, RangeRequest request, PageKind kind) {
        long found = 0;
        for (int i = 0; i < request.count(); i++) {
            found += inParts(
                    region.address + request.offset(i),
                    Page.of(request.rangeBytes(i)),
                    (address, pages) -> Inspector.count(memory.space(), address, pages, kind));
        }
        return found;
    }

    private Map<String, Long> places() {
        Map<String, Long> where = new LinkedHashMap<>();
        where.put("ram", 0L);
        memory.holders().forEach(device -> where.put(device.memory().name(), 0L));
        return where;
    }

    private void count(long address, long pages, Map<String, Long> where) {
        inParts(address, pages, (from, part) -> {
            Inspector.places(
                    memory.space(),
                    from,
                    part,
                    (kind, holder, there) -> where.merge(place(kind, holder), there, Long::sum));
            return part;
        });
    }

    /** A part of a range is looked at with its process's lock held. */
    @FunctionalInterface
    private interface Look {
        int at(long address, int pages);
    }

    private static long inParts(long address, long pages, Look look) {
        long sum = 0;
        for (long done = 0; done < pages; done += INSPECTED_PAGES) {
            sum += look.at(address + Page.address(done), (int) Math.min(INSPECTED_PAGES, pages - done));
        }
        return sum;
    }

    private static String place(PageKind kind, String holder) {
        return switch (kind) {
            case PRESENT -> "ram";
            case DEVICE_PRIVATE -> holder;
            case LOST -> "lost";
            case MIGRATION -> "moving";
            default -> "absent";
        };
    }
}
