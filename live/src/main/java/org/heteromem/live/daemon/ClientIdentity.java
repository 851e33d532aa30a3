package org.heteromem.live.daemon;

/** Who a client is, as logs and status call it. Thread-safe. */
final class ClientIdentity {
    private final long number;
    private final int pid;
    private volatile String name = "";

    ClientIdentity(long number, int pid) {
        this.number = number;
        this.pid = pid;
    }

    /** The daemon's number for it, which its successors keep. */
    long number() {
        return number;
    }

    int pid() {
        return pid;
    }

    /** What it calls itself; empty until it has said so. */
    String name() {
        return name;
    }

    void setName(String name) {
        this.name = name;
    }

    @Override
    public String toString() {
        return "client " + number + " (" + (name.isEmpty() ? "" : name + ", ") + "pid " + pid + ")";
    }
}
