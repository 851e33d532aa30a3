package org.heteromem.live;

/**
 * What came of moving pages of 4096 bytes.
 *
 * @param pages pages that moved
 * @param skipped pages that should have and could not, as far as the daemon knows them: pinned ones when evicting, ones
 *     without room when prefetching
 */
public record Moved(long pages, long skipped) {
    Moved plus(Moved other) {
        return new Moved(pages + other.pages, skipped + other.skipped);
    }
}
