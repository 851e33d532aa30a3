package org.heteromem.core.inspect;

import java.util.Map;
import java.util.TreeMap;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.frame.FrameTable;
import org.heteromem.core.frame.Frames;
import org.heteromem.core.space.Inspection;
import org.heteromem.core.space.Machine;
import org.heteromem.core.space.Mm;
import org.heteromem.core.space.PteLayout;

/** What can be seen of an address space, without changing it. Thread-safe; a view is a moment's. */
public final class Inspector {
    private static final String NO_MEMORY = "none";

    private Inspector() {}

    private static long checked(long address, long pages) {
        if (address < 0 || (address & Page.OFFSET_MASK) != 0 || pages < 0) {
            throw new MemoryException(
                    Errno.EINVAL, "cannot look at " + pages + " pages at 0x" + Long.toHexString(address));
        }
        return Page.of(address);
    }

    /**
     * {@return every page of a range, as pagemap tells it}
     *
     * @param space whose
     * @param address first byte, a multiple of the page size
     * @param pages how many
     */
    public static PageView[] pages(AddressSpace space, long address, int pages) {
        Mm mm = space.mm();
        long start = checked(address, pages);
        PageView[] views = new PageView[pages];
        Inspection.visit(
                mm,
                start,
                pages,
                (page, mapped, shared, entry) -> views[(int) (page - start)] = view(mm.machine(), mapped, entry));
        return views;
    }

    /**
     * {@return how many pages of a range are of a kind; unlike {@link #pages} it makes no object for each}
     *
     * @param space whose
     * @param address first byte, a multiple of the page size
     * @param pages how many
     * @param kind which to count
     */
    public static int count(AddressSpace space, long address, int pages, PageKind kind) {
        Mm mm = space.mm();
        int[] found = new int[1];
        Inspection.visit(mm, checked(address, pages), pages, (page, mapped, shared, entry) -> {
            if (kind(mm.machine(), mapped, entry) == kind) {
                found[0]++;
            }
        });
        return found[0];
    }

    /** Who is told where pages are. */
    @FunctionalInterface
    public interface PlaceVisitor {
        /**
         * Neighbouring pages are in the same place. Called with the process's lock held: it must be quick and ask nothing of
         * the process.
         *
         * @param kind of all of them
         * @param memory the name of the memory that holds them, or "none"
         * @param pages how many
         */
        void at(PageKind kind, String memory, long pages);
    }

    /**
     * Says where the pages of a range are, from the first to the last; unlike {@link #pages} it makes no object for each.
     *
     * @param space whose
     * @param address first byte, a multiple of the page size
     * @param pages how many
     * @param visitor is told
     */
    public static void places(AddressSpace space, long address, int pages, PlaceVisitor visitor) {
        Mm mm = space.mm();
        Neighbours neighbours = new Neighbours(visitor);
        Inspection.visit(mm, checked(address, pages), pages, (page, mapped, shared, entry) -> {
            PageKind kind = kind(mm.machine(), mapped, entry);
            neighbours.add(kind, framed(kind) ? memory(mm.machine(), entry) : NO_MEMORY);
        });
        neighbours.tell();
    }

    /** Pages of which nobody has been told yet. */
    private static final class Neighbours {
        private final PlaceVisitor visitor;
        private PageKind kind = PageKind.UNMAPPED;
        private String memory = NO_MEMORY;
        private long pages;

        Neighbours(PlaceVisitor visitor) {
            this.visitor = visitor;
        }

        void add(PageKind nextKind, String nextMemory) {
            if (nextKind != kind || !nextMemory.equals(memory)) {
                tell();
                kind = nextKind;
                memory = nextMemory;
            }
            pages++;
        }

        void tell() {
            if (pages > 0) {
                visitor.at(kind, memory, pages);
                pages = 0;
            }
        }
    }

    private static boolean framed(PageKind kind) {
        return switch (kind) {
            case PRESENT, ZERO, DEVICE_PRIVATE, DEVICE_EXCLUSIVE, MIGRATION -> true;
            default -> false;
        };
    }

    private static String memory(Machine machine, long entry) {
        return machine.frames.range(PteLayout.frame(entry)).owner.name();
    }

    private static PageKind kind(Machine machine, boolean mapped, long entry) {
        return switch (PteLayout.kind(entry)) {
            case PteLayout.NONE -> mapped ? PageKind.NONE : PageKind.UNMAPPED;
            case PteLayout.PRESENT -> PteLayout.frame(entry) == machine.zeroFrame ? PageKind.ZERO : PageKind.PRESENT;
            case PteLayout.DEVICE_PRIVATE -> PageKind.DEVICE_PRIVATE;
            case PteLayout.DEVICE_EXCLUSIVE -> PageKind.DEVICE_EXCLUSIVE;
            case PteLayout.MIGRATION -> PageKind.MIGRATION;
            case PteLayout.GUARD -> PageKind.GUARD;
            default -> PageKind.LOST;
        };
    }

    private static PageView view(Machine machine, boolean mapped, long entry) {
        PageKind kind = kind(machine, mapped, entry);
        if (!framed(kind)) {
            return new PageView(kind, -1, NO_MEMORY, false, false, 0, 0, 0);
        }
        long frame = PteLayout.frame(entry);
        FrameTable frames = machine.frames;
        long counts = frames.counts(frame);
        return new PageView(
                kind,
                frame,
                memory(machine, entry),
                PteLayout.writable(entry),
                frames.has(frame, Frames.ANON),
                Frames.mappings(counts),
                Frames.references(counts),
                Frames.pins(counts));
    }

    /**
     * {@return for every page of a range whether it exists in memory, wherever (mincore)}
     *
     * @param space whose
     * @param address first byte, a multiple of the page size
     * @param pages how many
     * @throws MemoryException ENOMEM if part of the range is not mapped
     */
    public static boolean[] mincore(AddressSpace space, long address, int pages) {
        Mm mm = space.mm();
        long start = checked(address, pages);
        boolean[] core = new boolean[pages];
        Inspection.visit(mm, start, pages, (page, mapped, shared, entry) -> {
            if (!mapped) {
                throw new MemoryException(
                        Errno.ENOMEM, "mincore: nothing is mapped at 0x" + Long.toHexString(Page.address(page)));
            }
            int kind = PteLayout.kind(entry);
            core[(int) (page - start)] =
                    kind == PteLayout.NONE || kind == PteLayout.GUARD ? Inspection.inSharedObject(mm, page) : true;
        });
        return core;
    }

    /**
     * {@return the sums of a range, over the areas it meets (smaps)}
     *
     * @param space whose
     * @param address first byte, a multiple of the page size
     * @param length bytes
     */
    public static Smaps smaps(AddressSpace space, long address, long length) {
        Mm mm = space.mm();
        long[] sums = new long[2];
        Map<String, Long> byMemory = new TreeMap<>();
        Inspection.visit(mm, checked(address, length), Page.count(length), (page, mapped, shared, entry) -> {
            if (Inspection.resident(mm, entry)) {
                sums[0]++;
                sums[1] += Inspection.anonymous(mm, entry) ? 1 : 0;
                byMemory.merge(
                        mm.machine().frames.range(PteLayout.frame(entry)).owner.name(), 1L, Long::sum);
            }
        });
        return new Smaps(sums[0], sums[1], byMemory);
    }

    /**
     * {@return the pages of anonymous memory that the process has, wherever they live (MM_ANONPAGES)}
     *
     * @param space whose
     */
    public static long anonymousPages(AddressSpace space) {
        return space.mm().rssAnon();
    }

    /**
     * {@return the pages of shared memory that the process has mapped (MM_SHMEMPAGES)}
     *
     * @param space whose
     */
    public static long sharedPages(AddressSpace space) {
        return space.mm().rssShared();
    }
}
