package org.heteromem.devices.storage;

/**
 * What can be chosen for a storage device beside its store.
 *
 * @param name its name in messages and events; empty for the name of its kind
 * @param faultAround how many pages come home for one touch
 * @param refaults who hears of pages that are touched again
 * @param clock what refault distances are measured with; shared by the devices of a group
 * @param copies whether the copies of clean pages stay
 * @param buffers what pages on their way need; shared by as many devices as one likes
 */
public record StorageOptions(
        String name,
        FaultAround faultAround,
        RefaultListener refaults,
        EvictionClock clock,
        KeepCopies copies,
        StorageBuffers buffers) {
    private static final int MOST_AROUND = 32;

    /**
     * {@return one page for a single touch, up to 32 for sequential ones; nobody listens; a clock of its own; copies stay
     *     where that has proved of use; buffers of its own}
     */
    public static StorageOptions defaults() {
        return new StorageOptions(
                "",
                FaultAround.adaptive(MOST_AROUND),
                RefaultListener.NONE,
                new EvictionClock(),
                KeepCopies.LEARNING,
                new StorageBuffers());
    }

    /**
     * {@return the same with another name}
     *
     * @param other a name
     */
    public StorageOptions withName(String other) {
        return new StorageOptions(other, faultAround, refaults, clock, copies, buffers);
    }

    /**
     * {@return the same with another size of blocks that come home}
     *
     * @param other says how many pages
     */
    public StorageOptions withFaultAround(FaultAround other) {
        return new StorageOptions(name, other, refaults, clock, copies, buffers);
    }

    /**
     * {@return the same with a listener and the clock of its group}
     *
     * @param listener who hears of refaults
     * @param shared the clock
     */
    public StorageOptions withRefaults(RefaultListener listener, EvictionClock shared) {
        return new StorageOptions(name, faultAround, listener, shared, copies, buffers);
    }

    /**
     * {@return the same with another rule for the copies of clean pages}
     *
     * @param other the rule
     */
    public StorageOptions withCopies(KeepCopies other) {
        return new StorageOptions(name, faultAround, refaults, clock, other, buffers);
    }

    /**
     * {@return the same with buffers that other devices use too}
     *
     * @param shared the buffers
     */
    public StorageOptions withBuffers(StorageBuffers shared) {
        return new StorageOptions(name, faultAround, refaults, clock, copies, shared);
    }
}
