package org.heteromem.core.policy;

/** First in, first out. Has no state, so that one serves everybody. */
final class ByAge implements VictimPolicy {
    static final VictimPolicy POLICY = new ByAge();

    private ByAge() {}

    @Override
    public String name() {
        return "fifo";
    }

    @Override
    public String description() {
        return "the page that came to RAM first";
    }

    @Override
    public PageList refault(WorkingSetView set, long distance, PageList evictedFrom) {
        return PageList.INACTIVE;
    }

    @Override
    public int activeVictims(WorkingSetView set, int wanted) {
        return 0;
    }
}
