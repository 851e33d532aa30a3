package org.heteromem.core.policy;

/**
 * A wish to have pages somewhere else. Best effort: pages that cannot go stay.
 *
 * @param block a block that the policy was shown
 * @param pages which of its pages
 * @param place where to
 */
public record Move(BlockView block, PageRange pages, Place place) {}
