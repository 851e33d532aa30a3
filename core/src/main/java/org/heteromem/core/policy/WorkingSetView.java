package org.heteromem.core.policy;

/**
 * What a {@link VictimPolicy} sees of the RAM that shares one budget, in pages. Good for the duration of the call that it is
 * handed to.
 */
public interface WorkingSetView {
    /** {@return how many pages the budget allows; positive} */
    long limit();

    /** {@return pages on active lists} */
    long active();

    /** {@return pages on inactive lists} */
    long inactive();

    /** {@return pages that left RAM for a device so far: the time in which refault distances are measured} */
    long evictions();
}
