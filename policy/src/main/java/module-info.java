/** Placement, prefetch and eviction policies behind the core's policy port. */
module org.heteromem.policy {
    requires transitive org.heteromem.core;
    requires static org.jspecify;

    exports org.heteromem.policy;
}
