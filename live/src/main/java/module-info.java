/**
 * The core applied to real processes by userfaultfd: the native seam, what {@code doctor} checks, and what client and
 * daemon say to each other.
 *
 * <p>Needs native access: {@code --enable-native-access=org.heteromem.live}.
 */
module org.heteromem.live {
    requires org.heteromem.core;
    requires org.heteromem.devices;
    requires org.heteromem.policy;
    requires jdk.jfr;
    requires static org.jspecify;

    exports org.heteromem.live;
    exports org.heteromem.live.daemon;
    exports org.heteromem.live.doctor;
}
