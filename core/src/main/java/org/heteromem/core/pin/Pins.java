package org.heteromem.core.pin;

import org.heteromem.core.Access;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Errno;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.event.MemoryEvent;
import org.heteromem.core.event.PinChange;
import org.heteromem.core.space.PageReference;

/**
 * References to pages from outside: drivers, I/O, a guest (Linux: get_user_pages and pin_user_pages).
 *
 * <table>
 * <caption>What a reference does to the page</caption>
 * <tr><th>page lives in</th><th>get, short pin</th><th>long pin</th></tr>
 * <tr><td>RAM</td><td>in place</td><td>in place</td></tr>
 * <tr><td>private device memory</td><td>brought home first</td><td>brought home first</td></tr>
 * <tr><td>coherent device memory</td><td>in place</td><td>moved to RAM first</td></tr>
 * </table>
 *
 * A pin for reading of a page shared over a fork gives the process its own copy first. While a reference is held the page
 * does not migrate. References to pages of zeros that nobody has written are not counted, so there is no limit to them; a
 * written page can have 4,095 pins at a time. Thread-safe.
 */
public final class Pins {
    private Pins() {}

    /**
     * Takes plain references (FOLL_GET).
     *
     * @param space whose addresses
     * @param address first byte, a multiple of the page size
     * @param pages how many, positive
     * @param access what the holder will do
     * @return the references, to be closed
     * @throws MemoryException EFAULT; nothing is kept then
     */
    public static PageReferences get(AddressSpace space, long address, int pages, Access access) {
        return take(space, address, pages, access, PageReference.Kind.GET);
    }

    /**
     * Pins pages for the time of a transfer (FOLL_PIN).
     *
     * @param space whose addresses
     * @param address first byte, a multiple of the page size
     * @param pages how many, positive
     * @param access what the holder will do
     * @return the references, to be closed
     * @throws MemoryException EFAULT, or EBUSY if a page has the most pins it can have; nothing is kept then
     */
    public static PageReferences pin(AddressSpace space, long address, int pages, Access access) {
        return take(space, address, pages, access, PageReference.Kind.PIN);
    }

    /**
     * Pins pages for as long as the holder likes (FOLL_PIN|FOLL_LONGTERM).
     *
     * @param space whose addresses
     * @param address first byte, a multiple of the page size
     * @param pages how many, positive
     * @param access what the holder will do
     * @return the references, to be closed
     * @throws MemoryException EFAULT, or EBUSY if a page cannot leave device memory; nothing is kept then
     */
    public static PageReferences pinLongTerm(AddressSpace space, long address, int pages, Access access) {
        return take(space, address, pages, access, PageReference.Kind.PIN_LONG_TERM);
    }

    private static PageReferences take(
            AddressSpace space, long address, int pages, Access access, PageReference.Kind kind) {
        if (address < 0 || (address & Page.OFFSET_MASK) != 0 || pages <= 0) {
            throw new MemoryException(
                    Errno.EINVAL,
                    "reference to " + pages + " pages at 0x" + Long.toHexString(address)
                            + ": a page-aligned address and at least one page are needed");
        }
        PinChange change = switch (kind) {
            case GET -> PinChange.GET;
            case PIN -> PinChange.PIN;
            case PIN_LONG_TERM -> PinChange.PIN_LONG_TERM;
        };
        long[] frames = new long[pages];
        // Made before the references are taken: from then on nothing may be thrown.
        PageReferences references = new PageReferences(space, address, frames, access, kind);
        PageReference.Refusal refusal = PageReference.takeAll(space.mm(), Page.of(address), frames, access, kind);
        if (refusal != null) {
            throw new MemoryException(
                    refusal.busy() ? Errno.EBUSY : Errno.EFAULT,
                    kind + " of the page at 0x" + Long.toHexString(Page.address(refusal.page())) + ": "
                            + (refusal.busy()
                                    ? "it is referenced elsewhere and cannot be pinned here"
                                    : "it cannot be accessed"));
        }
        space.mm().machine().emit(() -> new MemoryEvent.Pinned(space.id(), address, pages, change));
        return references;
    }
}
