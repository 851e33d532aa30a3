package org.heteromem.live.natives;

/** What a process can arrange for itself: its session, its orphans, and what becomes of it when its parent ends. */
public final class Processes {
    private static final int PR_SET_PDEATHSIG = 1;
    private static final int PR_SET_DUMPABLE = 4;
    private static final int PR_SET_CHILD_SUBREAPER = 36;

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

    /**
     * Asks for a signal when the parent ends. The parent is the <em>thread</em> that started this process: a JVM
     * that starts a child from a short-lived thread ends the child with that thread. To follow a process, poll its {@link
     * PidFd} instead; this is for a child whose parent has one thread. If the parent is gone already, none comes: ask
     * {@link #parentId()} afterwards.
     *
     * @param signal a signal number, such as {@link PidFd#SIGNAL_KILL}; 0 for none
     */
    public static void signalOnParentDeath(int signal) {
        control("prctl(PR_SET_PDEATHSIG)", PR_SET_PDEATHSIG, signal);
    }

    /** Makes the calling process the parent of all its descendants whose own parent ends. */
    public static void adoptOrphans() {
        control("prctl(PR_SET_CHILD_SUBREAPER)", PR_SET_CHILD_SUBREAPER, 1);
    }

    /** Keeps other processes of the same user from tracing this one or reading its memory and descriptors. */
    public static void forbidTracing() {
        control("prctl(PR_SET_DUMPABLE)", PR_SET_DUMPABLE, 0);
    }

    /** Id of the parent; 1, or that of a process that adopts orphans, once it has ended. */
    public static int parentId() {
        Platform.require();
        return Calls.getppid();
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

    private static void control(String call, int option, long argument) {
        Platform.require();
        int r = Calls.prctl(option, argument);
        if (r < 0) {
            throw new NativeException(call, "argument=" + argument, -r);
        }
    }
}
