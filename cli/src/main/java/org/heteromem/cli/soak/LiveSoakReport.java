package org.heteromem.cli.soak;

/**
 * What a soak of live mode did; nothing was wrong.
 *
 * @param seconds how long it went on
 * @param clients programs that ran
 * @param operations what their threads did, a page at a time or a request
 * @param faults pages that they waited for
 * @param evictions pages that left their RAM
 * @param daemonKills daemons killed
 * @param keeperKills keepers killed
 * @param clientKills clients killed
 * @param takeovers how often a client's memory was taken over by a new daemon
 * @param daemonBytes the most memory of its own that the daemon of several clients had when one had left
 */
public record LiveSoakReport(
        double seconds,
        long clients,
        long operations,
        long faults,
        long evictions,
        long daemonKills,
        long keeperKills,
        long clientKills,
        long takeovers,
        long daemonBytes) {}
