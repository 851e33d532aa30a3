package org.heteromem.live.natives;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * What must hold between a client and whoever serves its faults from another process. Needs no test library, so that it
 * runs in JVMs of other users too.
 */
enum FaultScenario {
    MISSING_PAGE_IS_SERVED {
        @Override
        void run(ClientProcess c, Userfault.Rights rights) {
            c.ask(FaultClient.READ, 3, 0);
            UserfaultEvents e = c.expectFault(3);
            Require.that(!e.isWrite(0) && !e.isMinor(0) && !e.isWriteProtect(0), "a plain read of a missing page");
            c.fill(3, 77, 0);
            Require.equal(c.answer(), 77, "what the client read");

            c.ask(FaultClient.WRITE, 4, 5);
            Require.that(c.expectFault(4).isWrite(0), "a write");
            Require.equal(c.faults.tryZero(c.at(4), FaultClient.PAGE, 0), FaultClient.PAGE, "bytes of zeros");
            c.answer();
            Require.equal(c.stored(4), 5, "what the client wrote");
        }
    },
    WRITE_PROTECTION_STOPS_WRITERS_AND_NOT_READERS {
        @Override
        void run(ClientProcess c, Userfault.Rights rights) {
            c.ask(FaultClient.WRITE, 0, 1);
            c.expectFault(0);
            c.fill(0, 0, 0);
            c.answer();
            c.faults.writeProtect(c.at(0), FaultClient.PAGE, Uffdio.PROTECT_WP);
            c.ask(FaultClient.READ, 0, 0);
            Require.equal(c.answer(), 1, "a read of a protected page");
            c.ask(FaultClient.WRITE, 0, 2);
            UserfaultEvents e = c.expectFault(0);
            Require.that(e.isWrite(0) && e.isWriteProtect(0), "a write to a protected page");
            Require.that(!c.answered(), "the writer waits");
            Require.equal(c.stored(0), 1, "the page before the writer goes on");
            c.faults.writeProtect(c.at(0), FaultClient.PAGE, 0);
            c.answer();
            Require.equal(c.stored(0), 2, "the page after it");
        }
    },
    EVICTED_PAGE_COMES_BACK {
        @Override
        void run(ClientProcess c, Userfault.Rights rights) {
            for (int page = 0; page < 8; page++) {
                c.ask(FaultClient.WRITE, page, 100 + page);
                c.expectFault(page);
                c.fill(page, 0, 0);
                c.answer();
            }
            Require.equal(c.memory.status().allocatedBytes(), 8 * FaultClient.PAGE, "RAM held");
            c.faults.writeProtect(c.at(0), 8 * FaultClient.PAGE, Uffdio.PROTECT_WP);
            long[] saved = new long[8];
            for (int page = 0; page < 8; page++) {
                saved[page] = c.stored(page);
            }
            c.memory.punchHole(0, 8 * FaultClient.PAGE);
            c.faults.wake(c.at(0), 8 * FaultClient.PAGE);
            Require.equal(c.memory.status().allocatedBytes(), 0, "RAM held after the punch");
            Require.equal(c.memory.nextData(0), -1, "data after the punch");
            c.ask(FaultClient.READ, 5, 0);
            UserfaultEvents e = c.expectFault(5);
            Require.that(!e.isMinor(0), "a missing page");
            c.fill(5, saved[5], Uffdio.MODE_WP);
            Require.equal(c.answer(), 105, "what came back");
            Require.equal(c.memory.nextData(0), 5 * FaultClient.PAGE, "first data");
            Require.equal(c.memory.nextHole(5 * FaultClient.PAGE), 6 * FaultClient.PAGE, "end of it");
            c.ask(FaultClient.WRITE, 5, 1);
            Require.that(c.expectFault(5).isWriteProtect(0), "a page placed write-protected");
            c.faults.writeProtect(c.at(5), FaultClient.PAGE, 0);
            c.answer();
        }
    },
    PAGE_IN_THE_FILE_IS_A_MINOR_FAULT {
        @Override
        void run(ClientProcess c, Userfault.Rights rights) {
            c.memory.write(2L * FaultClient.PAGE, c.pageOf(9));
            c.ask(FaultClient.READ, 2, 0);
            Require.that(c.expectFault(2).isMinor(0), "a minor fault");
            c.faults.continueMapping(c.at(2), FaultClient.PAGE, 0);
            Require.equal(c.answer(), 9, "what the client read");
            Require.equal(c.faults.tryContinue(c.at(7), FaultClient.PAGE, 0), -Errno.EFAULT, "CONTINUE over a hole");
        }
    },
    OBSTACLES_ARE_RESULTS_AND_PARTS_ARE_COUNTED {
        @Override
        void run(ClientProcess c, Userfault.Rights rights) throws Exception {
            c.fill(2, 1, 0);
            Require.equal(
                    c.faults.tryCopy(c.at(2), c.pageOf(0), 0, FaultClient.PAGE, 0), -Errno.EEXIST, "COPY onto a page");
            try (Mapping four = Mapping.anonymous(4 * FaultClient.PAGE)) {
                Require.equal(
                        c.faults.tryCopy(c.at(0), four.segment(), 0, 4 * FaultClient.PAGE, 0),
                        2 * FaultClient.PAGE,
                        "bytes of a COPY that meets a page after two");
            }
            Require.equal(
                    c.faults.tryCopy(4096L << 20, c.pageOf(0), 0, FaultClient.PAGE, 0),
                    -Errno.ENOENT,
                    "COPY to where nothing is");
            try {
                c.faults.copy(c.at(2), c.pageOf(0), 0, FaultClient.PAGE, 0);
                throw new AssertionError("COPY onto a page went through");
            } catch (NativeException e) {
                String words = e.toString();
                Require.that(
                        words.contains("UFFDIO_COPY")
                                && words.contains("address=0x" + Long.toHexString(c.at(2)))
                                && words.contains("length=4096")
                                && words.contains("EEXIST (17"),
                        "call, address, length and error in: " + words);
            }
            try (PidFd pid = PidFd.open(c.process.pid())) {
                Require.that(!pid.hasExited(), "a live client");
                c.ask(FaultClient.READ, 9, 0);
                c.expectFault(9);
                Require.that(pid.signal(PidFd.SIGNAL_KILL), "a client that can be killed in a fault");
                Require.that(c.process.waitFor(ClientProcess.PATIENCE_MILLIS, TimeUnit.MILLISECONDS), "a dead client");
                Require.that(pid.hasExited() && !pid.signal(PidFd.SIGNAL_NONE), "a dead client");
            }
            Require.equal(
                    c.faults.tryCopy(c.at(9), c.pageOf(0), 0, FaultClient.PAGE, 0), -Errno.ESRCH, "COPY to the dead");
            Require.equal(c.faults.tryWriteProtect(c.at(2), FaultClient.PAGE, 1), -Errno.ESRCH, "WP of the dead");
            c.faults.close();
            Require.equal(
                    c.faults.tryCopy(c.at(9), c.pageOf(0), 0, FaultClient.PAGE, 0), -Errno.EBADF, "COPY when closed");
        }
    },
    LOST_PAGE_IS_AN_ERROR_AND_HEALS {
        @Override
        void run(ClientProcess c, Userfault.Rights rights) {
            c.ask(FaultClient.READ, 6, 0);
            c.expectFault(6);
            Require.equal(c.faults.tryPoison(c.at(6), FaultClient.PAGE, 0), FaultClient.PAGE, "bytes poisoned");
            Require.equal(c.answerStatus(), FaultClient.LOST, "a read of a lost page");
            c.fill(6, 66, 0);
            c.ask(FaultClient.READ, 6, 0);
            Require.equal(c.answer(), 66, "a page after it came back");
        }
    },
    SYSTEM_CALL_ON_AN_EVICTED_PAGE_DEPENDS_ON_RIGHTS {
        @Override
        void run(ClientProcess c, Userfault.Rights rights) {
            c.ask(FaultClient.READ_BY_SYSCALL, 8, 0);
            if (rights == Userfault.Rights.FULL) {
                c.expectFault(8);
                c.fill(8, 1, 0);
                Require.equal(c.answer(), 8, "bytes read by the system call");
            } else {
                Require.equal(c.answerStatus(), FaultClient.BAD_ADDRESS, "the system call");
                c.fill(8, 1, 0); // what a prefetch does
                c.ask(FaultClient.READ_BY_SYSCALL, 8, 0);
                Require.equal(c.answer(), 8, "bytes read by the system call after a prefetch");
            }
        }
    },
    COLLECTIONS_IN_THE_CLIENT_WAIT_AND_END {
        @Override
        void run(ClientProcess c, Userfault.Rights rights) {
            for (int page = 10; page < 15; page++) {
                c.ask(FaultClient.READ_WHILE_COLLECTING, page, 0);
                c.expectFault(page);
                c.fill(page, page, 0);
                Require.equal(c.answer(), page, "what was read during a collection");
            }
        }
    },
    SUCCESSOR_TAKES_THE_DUPLICATE_AND_WAKES {
        @Override
        void run(ClientProcess c, Userfault.Rights rights) {
            c.ask(FaultClient.READ, 1, 0);
            c.expectFault(1);
            c.faults.close(); // the event is consumed, its answer will never come from here
            try (PidFd pid = PidFd.open(c.process.pid());
                    Userfault successor =
                            Userfault.adopt(pid.takeDuplicate(c.theirUserfaultNumber), "client of the dead")) {
                Require.that(!c.answered(), "the client still waits");
                successor.wake(c.at(0), (long) FaultClient.PAGES * FaultClient.PAGE);
                c.expectFault(successor, 1);
                successor.copy(c.at(1), c.pageOf(11), 0, FaultClient.PAGE, 0);
                Require.equal(c.answer(), 11, "what the client read");
            }
        }
    },
    READING_EVENTS_NEVER_WAITS {
        @Override
        void run(ClientProcess c, Userfault.Rights rights) {
            UserfaultEvents events = new UserfaultEvents(4);
            Require.equal(c.faults.read(events), 0, "events when nothing happened");
            // The client makes the shared open file blocking; F_SETFL 4.
            int number = c.faults.fd().borrow("fcntl");
            try {
                Require.equal(Calls.fcntl(number, 4, 0), 0, "F_SETFL");
            } finally {
                c.faults.fd().giveBack();
            }
            Require.equal(c.faults.read(events), 0, "events of a descriptor that blocks");
        }
    },
    KERNEL_NAMES_THE_PEER {
        @Override
        void run(ClientProcess c, Userfault.Rights rights) {
            UnixSocket.Peer peer = c.socket.peer();
            Require.equal(peer.pid(), c.process.pid(), "the peer's process id");
            Require.equal(peer.uid(), Processes.effectiveUserId(), "the peer's user id");
            try (PidFd process = c.socket.peerProcess()) {
                Require.that(!process.hasExited(), "a live peer");
            }
        }
    };

    abstract void run(ClientProcess client, Userfault.Rights rights) throws Exception;

    /** Runs it with a client of its own, which opens its userfaultfd by a route. */
    void run(Userfault.Route route, Path device) throws Exception {
        try (ClientProcess client = ClientProcess.start(route, device)) {
            run(client, route.rights());
        }
    }

    /** Runs all in a JVM of its own; arguments are route and device file. */
    static final class Main {
        private Main() {}

        public static void main(String[] args) throws Exception {
            System.out.println("user " + Processes.effectiveUserId());
            for (FaultScenario scenario : values()) {
                scenario.run(Userfault.Route.valueOf(args[0]), Path.of(args[1]));
                System.out.println("passed " + scenario);
            }
        }
    }
}
