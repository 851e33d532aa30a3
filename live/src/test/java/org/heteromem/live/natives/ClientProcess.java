package org.heteromem.live.natives;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A {@link FaultClient} in a JVM of its own, and the descriptors that it passed. Every wait has an end. */
final class ClientProcess implements AutoCloseable {
    /** Long enough for a loaded machine; only a failing test waits that long. */
    static final int PATIENCE_MILLIS = 60_000;

    final Process process;
    final UnixSocket socket;
    final Memfd memory;
    final Userfault faults;
    final long address;
    final int theirUserfaultNumber;
    private final UserfaultEvents events = new UserfaultEvents(16);
    private final MemorySegment message = Arena.ofAuto().allocate(64, 8);
    private final MemorySegment page = Arena.ofAuto().allocate(FaultClient.PAGE, FaultClient.PAGE);

    private ClientProcess(
            Process process, UnixSocket socket, Memfd memory, Userfault faults, long address, int theirs) {
        this.process = process;
        this.socket = socket;
        this.memory = memory;
        this.faults = faults;
        this.address = address;
        this.theirUserfaultNumber = theirs;
    }

    static ClientProcess start(Userfault.Route route, Path device) throws IOException {
        Path directory = Files.createTempDirectory("heteromem-test");
        Path path = directory.resolve("s");
        try (UnixSocket listening = UnixSocket.listen(path, 1)) {
            Process process = new ProcessBuilder(
                            command(FaultClient.class, route.name(), device.toString(), path.toString()))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                    .start();
            awaitReadable(listening.fd(), "the client's connection", process);
            UnixSocket socket = listening.accept();
            awaitReadable(socket.fd(), "the client's descriptors", process);
            MemorySegment hello = Arena.ofAuto().allocate(64, 8);
            UnixSocket.Received received = socket.receive(hello);
            Require.that(received.descriptors().size() == 2, "descriptors " + received);
            return new ClientProcess(
                    process,
                    socket,
                    Memfd.adoptRegion(received.descriptors().get(0), "test region", FaultClient.PAGE),
                    Userfault.adopt(received.descriptors().get(1), "test client"),
                    hello.get(ValueLayout.JAVA_LONG, 0),
                    (int) hello.get(ValueLayout.JAVA_LONG, 16));
        } finally {
            Files.deleteIfExists(path);
            Files.deleteIfExists(directory);
        }
    }

    /** How to start a class of these tests in another JVM of the same kind. */
    static List<String> command(Class<?> main, String... args) {
        String classes = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classes,
                main.getName()));
        command.addAll(List.of(args));
        return command;
    }

    private static void awaitReadable(Fd fd, String what, Process process) {
        Poller poller = new Poller(1);
        poller.add(fd, Poller.IN);
        for (int waited = 0; waited < PATIENCE_MILLIS; waited += 100) {
            if (poller.poll(100) > 0) {
                return;
            }
            Require.that(process.isAlive(), "the client ended while waiting for " + what);
        }
        throw new AssertionError("waited " + PATIENCE_MILLIS + " ms for " + what);
    }

    void ask(int operation, long pageIndex, long value) {
        message.set(ValueLayout.JAVA_LONG, 0, operation);
        message.set(ValueLayout.JAVA_LONG, 8, pageIndex);
        message.set(ValueLayout.JAVA_LONG, 16, value);
        socket.send(message.asSlice(0, 24));
    }

    /** The client's answer, if it succeeded. */
    long answer() {
        long status = answerStatus();
        Require.that(status == FaultClient.DONE, "the client answered with status " + status);
        return message.get(ValueLayout.JAVA_LONG, 8);
    }

    long answerStatus() {
        awaitReadable(socket.fd(), "an answer", process);
        Require.that(socket.receive(message).bytes() == 16, "an answer has 16 bytes");
        return message.get(ValueLayout.JAVA_LONG, 0);
    }

    boolean answered() {
        Poller poller = new Poller(1);
        poller.add(socket.fd(), Poller.IN);
        return poller.poll(0) > 0;
    }

    /** Waits for the one event that must come, on a page; returns the batch that holds it at index 0. */
    UserfaultEvents expectFault(long pageIndex) {
        return expectFault(faults, pageIndex);
    }

    UserfaultEvents expectFault(Userfault on, long pageIndex) {
        awaitReadable(on.fd(), "a fault on page " + pageIndex, process);
        int n = on.read(events);
        Require.that(n == 1, "one event, not " + n);
        Require.that(events.isPageFault(0), "a page fault, not event " + events.event(0));
        long found = (events.address(0) - address) / FaultClient.PAGE;
        Require.that(found == pageIndex, "a fault on page " + pageIndex + ", not on " + found);
        return events;
    }

    long at(long pageIndex) {
        return address + pageIndex * FaultClient.PAGE;
    }

    /** A page whose longs all have one value. */
    MemorySegment pageOf(long value) {
        for (int i = 0; i < FaultClient.PAGE / 8; i++) {
            page.setAtIndex(ValueLayout.JAVA_LONG, i, value);
        }
        return page;
    }

    /** Places a page of one value and answers the fault that waits for it. */
    void fill(long pageIndex, long value, int mode) {
        faults.copy(at(pageIndex), pageOf(value), 0, FaultClient.PAGE, mode);
    }

    /** The first long of a page, as the file has it. */
    long stored(long pageIndex) {
        memory.read(pageIndex * FaultClient.PAGE, page.asSlice(0, 8));
        return page.get(ValueLayout.JAVA_LONG, 0);
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        faults.close();
        memory.close();
        socket.close();
    }
}
