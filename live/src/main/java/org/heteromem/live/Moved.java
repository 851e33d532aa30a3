package org.heteromem.live;

/**
 * What came of moving pages of 4096 bytes.
 *
 * @param pages pages that moved
 * @param skipped pages that are not where they should be: when evicting, those that are in RAM still or again, such as
 *     pinned ones, ones for which no device has room, and ones that a thread has touched meanwhile; when prefetching, those
 *     that are on a device still
 */
public record Moved(long pages, long skipped) {
    Moved plus(Moved other) {
        return new Moved(pages + other.pages, skipped + other.skipped);
    }
}
