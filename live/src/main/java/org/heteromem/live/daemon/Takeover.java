package org.heteromem.live.daemon;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Set;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Page;
import org.heteromem.core.inspect.Inspector;
import org.heteromem.core.inspect.PageKind;
import org.heteromem.core.inspect.PageView;
import org.heteromem.core.memory.FrameBudget;
import org.heteromem.core.migrate.Migration;

/**
 * Builds the page table of a client whose daemon was killed, from what outlived it. What the memfd holds is in RAM; what it
 * does not hold is where the {@link Ledger} says; the rest was never touched. Then every thread that waits is told to look
 * again, because the events that it raised died with the predecessor. Every word of the ledger is checked: one that names no
 * place is a lost page, never another one's contents.
 */
final class Takeover {
    private static final int CHUNK = Page.PER_BLOCK;

    private final FaultPump.Host host;
    private final AddressSpace space;
    private final LiveMmu mmu;
    private final FrameBudget budget;
    private final List<Region> regions;
    private final List<PageHolder> devices;
    private long inRam;
    private long onDevices;
    /** For each device the places that more than one word names: nobody knows whose contents they have. */
    private final List<BitSet> disputed = new ArrayList<>();

    private final List<Lost> lost = new ArrayList<>();

    /** A page of which nothing is known. */
    private record Lost(long page, String device, String why) {}

    /** Of one client; the host decides about pages that are lost. */
    Takeover(
            AddressSpace space,
            LiveMmu mmu,
            FrameBudget budget,
            List<Region> regions,
            List<PageHolder> devices,
            FaultPump.Host host) {
        this.host = host;
        this.space = space;
        this.mmu = mmu;
        this.budget = budget;
        this.regions = regions;
        this.devices = devices;
    }

    void run() {
        mmu.setAdopting(true);
        long limit = budget.limit();
        long reserve = budget.reserve();
        // What is in RAM is in RAM, whatever the budget says; the evictor sees to the rest.
        budget.setLimit(Long.MAX_VALUE, 0);
        try {
            regions.forEach(this::adoptRam);
            recoverDevices();
            regions.forEach(this::adoptDevicePages);
        } finally {
            budget.setLimit(limit, reserve);
            mmu.setAdopting(false);
        }
        mmu.reopen(regions);
        regions.forEach(this::stillLost);
        // Not before: what is left of the protection of pages that were out would keep poison away from them.
        lost.forEach(page -> {
            mmu.lost(page.page);
            space.poison(Page.address(page.page), Page.SIZE);
            host.lost(page.page, page.device, page.why);
        });
    }

    // ---- RAM ---------------------------------------------------------------------------------------------------

    private void adoptRam(Region region) {
        for (long at = region.memory.nextData(0); at >= 0 && at < region.bytes; ) {
            long end = Math.min(region.bytes, region.memory.nextHole(at));
            for (long from = at; from < end; from += Page.address(CHUNK)) {
                adoptRam(region, from, Math.min(Page.address(CHUNK), end - from));
            }
            at = region.memory.nextData(end);
        }
    }

    private void adoptRam(Region region, long offset, long bytes) {
        for (long page = Page.of(offset); page < Page.of(offset + bytes); page++) {
            // It was caught on its way; the bytes in RAM count.
            region.ledger.atHome(page);
        }
        try (Migration migration = Migration.setup(space, region.address + offset, bytes, Set.of(), this)) {
            for (int i = 0; i < migration.pages(); i++) {
                if (!migration.sources().movable(i) || !migration.allocateRam(i)) {
                    throw new IllegalStateException(region + ", offset " + (offset + Page.address(i))
                            + ": RAM holds a page that is mapped already");
                }
            }
            inRam += migration.migrate();
        }
    }

    // ---- devices -----------------------------------------------------------------------------------------------

    private void recoverDevices() {
        List<BitSet> used = new ArrayList<>();
        devices.forEach(device -> {
            used.add(new BitSet());
            disputed.add(new BitSet());
        });
        for (Region region : regions) {
            for (long page = 0; page < Page.of(region.bytes); page++) {
                if (region.ledger.isOnDevice(page) && isPlace(region, page)) {
                    int device = region.ledger.device(page);
                    int place = (int) region.ledger.frame(page);
                    boolean contested = used.get(device).get(place) || region.ledger.isDisputed(page);
                    (contested ? disputed : used).get(device).set(place);
                }
            }
        }
        if (disputed.stream().anyMatch(places -> !places.isEmpty())) {
            regions.forEach(this::noteDisputed);
        }
        for (int i = 0; i < devices.size(); i++) {
            BitSet mine = used.get(i);
            mine.andNot(disputed.get(i));
            devices.get(i).recover(slot -> mine.get((int) slot));
        }
    }

    /** Before any of them is given up. */
    private void noteDisputed(Region region) {
        for (long page = 0; page < Page.of(region.bytes); page++) {
            if (region.ledger.isOnDevice(page) && isPlace(region, page) && !isItsPlace(region, page)) {
                region.ledger.dispute(page);
            }
        }
    }

    private boolean isPlace(Region region, long page) {
        int device = region.ledger.device(page);
        return device < devices.size()
                && region.ledger.frame(page) < devices.get(device).memory().frames();
    }

    private boolean isItsPlace(Region region, long page) {
        return isPlace(region, page)
                && !disputed.get(region.ledger.device(page)).get((int) region.ledger.frame(page));
    }

    private void adoptDevicePages(Region region) {
        int[] slots = new int[CHUNK];
        for (long first = 0; first < Page.of(region.bytes); first += CHUNK) {
            int count = (int) Math.min(CHUNK, Page.of(region.bytes) - first);
            for (int d = 0; d < devices.size(); d++) {
                int wanted = 0;
                Arrays.fill(slots, PageHolder.NO_FRAME);
                for (int i = 0; i < count; i++) {
                    if (region.ledger.isOnDevice(first + i)
                            && isItsPlace(region, first + i)
                            && region.ledger.device(first + i) == d) {
                        slots[i] = (int) region.ledger.frame(first + i);
                        wanted++;
                    }
                }
                if (wanted > 0) {
                    long address = region.address + Page.address(first);
                    int restored = devices.get(d).restore(space, address, Arrays.copyOf(slots, count));
                    onDevices += restored;
                    if (restored < wanted) {
                        giveUpMissing(region, first, count, slots);
                    }
                }
            }
            for (int i = 0; i < count; i++) {
                if (region.ledger.isOnDevice(first + i) && !isItsPlace(region, first + i)) {
                    lost(
                            region,
                            first + i,
                            isPlace(region, first + i)
                                    ? "the ledger says that it is in a place that is another page's too"
                                    : "the ledger says that it is in a place that does not exist");
                }
            }
        }
    }

    /** A place that the device does not know, or whose contents it cannot vouch for, has nothing of a page. */
    private void giveUpMissing(Region region, long first, int count, int[] slots) {
        PageView[] views = Inspector.pages(space, region.address + Page.address(first), count);
        for (int i = 0; i < count; i++) {
            if (slots[i] != PageHolder.NO_FRAME && views[i].kind() != PageKind.DEVICE_PRIVATE) {
                lost(region, first + i, "its place has nothing of it");
            }
        }
    }

    /**
     * What was lost before stays lost until it is given up. The predecessor may have been killed before it told anybody.
     */
    private void stillLost(Region region) {
        long left = mmu.isGone() ? 0 : region.poisoned.size();
        for (long page = 0; left > 0; page++) {
            if (region.poisoned.count(page, 1) > 0) {
                left--;
                long offset = Page.address(page);
                if (region.memory.nextData(offset) == offset) {
                    // It was brought home after all.
                    region.poisoned.remove(page, 1);
                } else if (!region.ledger.isOnDevice(page)) {
                    // It may be brought home yet where a device has it.
                    stillLost(region, page);
                }
            }
        }
    }

    private void stillLost(Region region, long index) {
        // Else it would be a page that nobody has touched yet, and zeros for who pins it or makes pages ahead.
        space.poison(region.address + Page.address(index), Page.SIZE);
        if (region.ledger.isUntold(index)) {
            host.lost(
                    Page.of(region.address) + index,
                    nameOf(region.ledger.device(index)),
                    "it was lost before this daemon took over");
        } else {
            mmu.poison(region, index);
        }
    }

    private void lost(Region region, long index, String why) {
        lost.add(new Lost(Page.of(region.address) + index, nameOf(region.ledger.device(index)), why));
    }

    private String nameOf(int device) {
        return device < devices.size() ? devices.get(device).memory().name() : Integer.toString(device);
    }

    @Override
    public String toString() {
        return inRam + " pages in RAM, " + onDevices + " on devices"
                + (lost.isEmpty() ? "" : ", " + lost.size() + " LOST");
    }
}
