/**
 * The memory manager: frames, page tables, address spaces, faults, migration, device memory and mirrors.
 *
 * <p>Pure Java on {@code java.base}: no I/O, no native call, no clock and no threads of its own. The packages {@code frame}
 * and {@code space} are its inside and not exported.
 */
module org.heteromem.core {
    requires static transitive org.jspecify;

    exports org.heteromem.core;
    exports org.heteromem.core.device;
    exports org.heteromem.core.event;
    exports org.heteromem.core.fault;
    exports org.heteromem.core.inspect;
    exports org.heteromem.core.memory;
    exports org.heteromem.core.migrate;
    exports org.heteromem.core.mirror;
    exports org.heteromem.core.mmu;
    exports org.heteromem.core.pin;
    exports org.heteromem.core.policy;
    exports org.heteromem.core.wait;
}
