package org.heteromem.stress.soak;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.Page;
import org.heteromem.core.Protection;
import org.heteromem.core.Sharing;

/**
 * Where the pages of the ledger are: private ones, shared ones, and private ones that move between two places.
 *
 * <pre>
 *   PRIVATE_AT | SHARED_AT | MOVING_AT: place 0 | place 1 | SCRATCH_AT: one run for each scratch thread
 * </pre>
 */
final class Layout {
    static final int PRIVATE = 384;
    static final int SHARED = 64;
    static final int CHUNK = 16;
    static final int CHUNKS = 4;
    static final int MOVING = CHUNK * CHUNKS;
    static final int PAGES = PRIVATE + SHARED + MOVING;
    static final int SCRATCH = 32;
    static final int SCRATCH_THREADS = 2;

    static final long BASE = 1L << 32;
    private static final long PRIVATE_AT = BASE;
    private static final long SHARED_AT = BASE + Page.address(1024);
    private static final long MOVING_AT = BASE + Page.address(2048);
    private static final long PLACE_BYTES = Page.address(256);
    private static final long SCRATCH_AT = BASE + Page.address(3072);

    /** Pages from {@link #BASE} on within which everything lies. */
    static final int WINDOW = 4096;

    private final AtomicIntegerArray place = new AtomicIntegerArray(CHUNKS);

    void map(AddressSpace space) {
        space.mapAt(PRIVATE_AT, Page.address(PRIVATE), Protection.READ_WRITE, Sharing.PRIVATE);
        space.mapAt(SHARED_AT, Page.address(SHARED), Protection.READ_WRITE, Sharing.SHARED);
        space.mapAt(moving(0, 0), Page.address(MOVING), Protection.READ_WRITE, Sharing.PRIVATE);
        for (int i = 0; i < SCRATCH_THREADS; i++) {
            space.mapAt(scratch(i), Page.address(SCRATCH), Protection.READ_WRITE, Sharing.PRIVATE);
        }
    }

    static boolean isShared(int page) {
        return page >= PRIVATE && page < PRIVATE + SHARED;
    }

    static boolean isMoving(int page) {
        return page >= PRIVATE + SHARED;
    }

    /** {@return where a page is at this moment; a page that moves may be gone from there by the next} */
    long address(int page) {
        if (page < PRIVATE) {
            return PRIVATE_AT + Page.address(page);
        }
        if (isShared(page)) {
            return SHARED_AT + Page.address(page - PRIVATE);
        }
        int m = page - PRIVATE - SHARED;
        return moving(place.get(m / CHUNK), m);
    }

    /** {@return where a page that moves is if it is at the given place, 0 or 1} */
    static long movingAddress(int at, int page) {
        return moving(at, page - PRIVATE - SHARED);
    }

    private static long moving(int at, int m) {
        return MOVING_AT + at * PLACE_BYTES + Page.address(m);
    }

    int place(int chunk) {
        return place.get(chunk);
    }

    long chunkAddress(int chunk, int at) {
        return moving(at, chunk * CHUNK);
    }

    void moved(int chunk, int to) {
        place.set(chunk, to);
    }

    static long scratch(int thread) {
        return SCRATCH_AT + Page.address(thread * 64L);
    }
}
