package org.heteromem.live.daemon;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * A moment between two steps that change what the kernel, a client or a successor knows: where a daemon that is killed leaves
 * the most to be found. What is written to a device before {@link #COPIED} belongs to no page yet: however much of it is there
 * makes no difference to a successor.
 */
enum FailPoint {
    // ---- pages leave, come, stay ----------------------------------------------------------------------------

    /** Faults were read, which the kernel tells once; none is served. */
    FAULTS_READ,
    /** Pages are write-protected; their contents are not copied yet. */
    PROTECTED,
    /** Contents are complete on the device; the ledger does not know. */
    COPIED,
    /** The ledger names the device; the pages are still there. */
    LEFT_NOTED,
    /** The holes are punched; the core still has the pages locked. */
    LEFT_PUNCHED,
    /** The ledger names the second device; the first one still has the contents. */
    MOVED_NOTED,
    /** Pages are placed and the client uses them; the ledger still names the device. */
    ARRIVED_PLACED,
    /** The ledger is clear; the device still holds the old contents. */
    ARRIVED_NOTED,
    /** Write protection is lifted from pages that stayed. */
    STAYED,
    /** The first store is let through; the device still holds what was there before it. */
    STORES_ALLOWED,
    /** A page that the client has dropped from its page table is there again. */
    MAPPED_AGAIN,
    /** A page of zeros was placed. */
    ZEROED,
    /** Pages that are given up are out of the ledger; they are still there. */
    DROP_NOTED,
    /** They are gone; their slots on the device are not free yet. */
    DROP_PUNCHED,

    // ---- pages that are lost ---------------------------------------------------------------------------------

    /** A page is noted as lost; its place on the device is not free yet. */
    LOST_NOTED,
    /** It is to be poisoned, and write-protected no more. */
    POISON_NOTED,
    /** It is poisoned; who waits for it does not know. */
    POISONED,
    /** Zeros are placed where it was, in place of the poison. */
    HEAL_PLACED,
    /** They are gone too; the page is still noted as lost. */
    HEAL_PUNCHED,

    // ---- what a client has -----------------------------------------------------------------------------------

    /** The keeper knows which files a new client will have; there are none yet. */
    FILES_HELD,
    /** The client was welcomed; the keeper does not have it. */
    WELCOMED,
    /** The keeper has the client, not what its devices hold. */
    CLIENT_HELD,
    /** It has all. */
    CLIENT_ENTRUSTED,
    /** Memory for a device was made; the keeper does not have it. */
    PIECE_MADE,
    /** It has it; what else there is of the client it may not have. */
    PIECE_HELD,
    /** Memory of a device that holds nothing was given back. */
    PIECE_PUNCHED,
    /** A region is mapped; the keeper does not have it. */
    REGISTERED,
    /** The keeper has it; the client was not told. */
    REGISTER_HELD,
    /** Memory is in use; the client was not told. */
    ALLOCATED,
    /** Its pages are gone; it is still in use. */
    FREE_DROPPED,
    /** Memory was freed; the client was not told. */
    FREED,
    /** A range is pinned; the keeper does not know. */
    PINNED,
    /** It knows; the client was not told. */
    PIN_HELD,
    /** A range is not pinned any more; the keeper has the pin. */
    UNPINNED,
    /** It has not; the client was not told. */
    UNPIN_RELEASED,
    /** The pages of a region are gone; the keeper has the region. */
    UNMAPPED,
    /** It has not; the client was not told. */
    UNREGISTERED,

    // ---- the end of a client ---------------------------------------------------------------------------------

    /** The regions of whoever has left are gone; its devices are there. */
    REGIONS_ENDED,
    /** Its overflow devices are gone; their files are there. */
    DEVICES_ENDED,
    /** Its files are gone; the keeper has the client. */
    FILES_ENDED,
    /** The keeper has nothing of it; its descriptors are open. */
    CLIENT_RELEASED,

    // ---- a takeover, by a successor ----------------------------------------------------------------------------

    /** All pages were found; the write protection is as the predecessor has left it. */
    ADOPTED,
    /** It is lifted from a region; who waits for its pages was not told. */
    REOPENED,
    /** Who waited looks again; nobody serves faults. */
    WOKEN,
    /** Faults are served; the client does not know its new daemon. */
    TAKEN_OVER;

    /** {@return its name on a command line: small letters and hyphens} */
    String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /**
     * {@return the point of a name}
     *
     * @throws IllegalArgumentException if there is none
     */
    static FailPoint of(String label) {
        return Arrays.stream(values())
                .filter(point -> point.label().equals(label))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no point '" + label + "'; there are "
                        + Arrays.stream(values()).map(FailPoint::label).collect(Collectors.joining(", "))));
    }
}
