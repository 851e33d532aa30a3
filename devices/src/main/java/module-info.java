/** Device back ends behind the core's device ports. */
module org.heteromem.devices {
    requires transitive org.heteromem.core;
    requires aircompressor.v3;
    requires jdk.unsupported;
    requires static org.jspecify;

    exports org.heteromem.devices.accelerator;
    exports org.heteromem.devices.storage;
    exports org.heteromem.devices.testdriver;
}
