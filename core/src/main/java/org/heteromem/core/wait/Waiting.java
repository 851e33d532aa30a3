package org.heteromem.core.wait;

/**
 * The port through which a caller of the core waits: a CPU thread parks, a simulation goes on with somebody else.
 * A caller that must never stop, such as a fault pump, does not use it: it takes the {@link WaitPoint} of a fault's
 * outcome and goes on.
 */
@FunctionalInterface
public interface Waiting {
    /**
     * Returns once the obstacle is gone, or spuriously before.
     *
     * @param point what to wait for
     */
    void await(WaitPoint point);

    /** {@return a port that parks the calling thread; an interrupt is kept for the caller and does not end the wait} */
    static Waiting parking() {
        return new ParkingWait();
    }
}
