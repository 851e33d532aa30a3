package org.heteromem.core.policy;

/**
 * All that a device needs to be told.
 *
 * @param placement which pages go where and when
 * @param eviction which pages go when the device is full
 */
public record PolicySet(PlacementPolicy placement, EvictionPolicy eviction) {
    /** {@return both names, as the registry takes them} */
    public String name() {
        return placement.name() + '+' + eviction.name();
    }
}
