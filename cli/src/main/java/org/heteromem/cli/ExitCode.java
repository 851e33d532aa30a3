package org.heteromem.cli;

/** What the command tells its caller when it ends; an interrupt by Ctrl-C makes 130, which the JVM sees to. */
public final class ExitCode {
    /** All done. */
    public static final int OK = 0;

    /** The input was good but the work could not be done, for example because all memory was full. */
    public static final int FAILED = 1;

    /** The input cannot be used: an unknown option, a bad value, a missing file. */
    public static final int USAGE = 2;

    /** A bug in Heteromem ({@code EX_SOFTWARE} of sysexits.h). */
    public static final int BUG = 70;

    private ExitCode() {}
}
