package org.heteromem.live.daemon;

import java.util.List;

/**
 * How a daemon's JVM is started. Its memory and its CPU time are taken from the program it serves, and most programs are over
 * before an optimizing compiler has paid for itself.
 */
public final class JvmOptions {
    /** For the java command of any daemon, {@link DaemonMain} above all; the size of its heap is up to who starts it. */
    public static final List<String> ALL = List.of(
            "-XX:+UseSerialGC",
            // It allocates little, and nothing on the path of a fault: a small young generation is soon collected.
            "-Xms8m",
            "-Xmn4m",
            "-XX:-UsePerfData",
            // Classes of the JDK stay pages of the file, the same for daemon and keeper, and need not be patched.
            "-XX:+UnlockDiagnosticVMOptions",
            "-XX:ArchiveRelocationMode=0",
            // With a thread less it would serve nobody, or everybody wrongly; whoever takes over has all that counts.
            "-XX:+ExitOnOutOfMemoryError",
            // What the compilers have freed goes back to the system.
            "-XX:TrimNativeHeapInterval=1000",
            // C2 compiled 500 methods in the first seconds, for more CPU time than all faults and evictions took.
            // What is called this often is worth it; the rest is as quick as C1 makes it.
            "-XX:Tier4InvocationThreshold=60000",
            "-XX:Tier4MinInvocationThreshold=10000",
            "-XX:Tier4CompileThreshold=120000",
            "-XX:Tier4BackEdgeThreshold=400000",
            // No method waits in slow profiled code while C2 is busy.
            "-XX:Tier3DelayOn=0");

    private JvmOptions() {}
}
