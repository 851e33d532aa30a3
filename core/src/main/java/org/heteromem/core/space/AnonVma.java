package org.heteromem.core.space;

import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * The anchor of anonymous pages (Linux: anon_vma). An area links to its own and to those of its ancestors over forks, so
 * that pages allocated before a fork are found in the children and pages allocated after it are looked for only there.
 */
final class AnonVma extends Anchor {
    private final ReentrantReadWriteLock familyLock;

    AnonVma() {
        this.familyLock = new ReentrantReadWriteLock();
    }

    AnonVma(AnonVma relative) {
        this.familyLock = relative.familyLock;
    }

    @Override
    ReentrantReadWriteLock lock() {
        return familyLock;
    }
}
