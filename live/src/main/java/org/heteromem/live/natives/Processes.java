package org.heteromem.live.natives;

/** What a process can arrange for itself, and what it is to the kernel. */
public final class Processes {
    private Processes() {}

    /**
     * Makes the calling process the leader of a session of its own, so that a terminal's interrupt does not reach it.
     *
     * @throws NativeException EPERM if it leads a process group already
     */
    public static void startSession() {
        Platform.require();
        int r = Calls.setsid();
        if (r < 0) {
            throw new NativeException("setsid", "", -r);
        }
    }

    /** The user id that the kernel checks rights for. 0 is root. */
    public static int effectiveUserId() {
        Platform.require();
        return Calls.geteuid();
    }

    /** Bytes of a page. */
    public static int pageBytes() {
        Platform.require();
        return Calls.getpagesize();
    }
}
