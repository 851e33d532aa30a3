package org.heteromem.live.natives;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * The process whose memory is served: maps a region, hands its descriptors to whoever listens at a path, and touches pages
 * when told to.
 *
 * <p>A command is three longs (operation, page, value), an answer two (status, value).
 */
public final class FaultClient {
    static final int PAGES = 64;
    static final int PAGE = 4096;

    static final int READ = 1;
    static final int WRITE = 2;
    static final int READ_BY_SYSCALL = 3;
    static final int READ_WHILE_COLLECTING = 4;
    static final int QUIT = 5;

    static final long DONE = 0;
    static final long BAD_ADDRESS = 1;
    static final long LOST = 2;

    private FaultClient() {}

    /**
     * Connects and serves commands until the other end closes.
     *
     * @param args route, device file, socket path
     */
    public static void main(String[] args) throws Exception {
        try (Memfd memory = Memfd.create("fault-client", (long) PAGES * PAGE);
                Mapping map = Mapping.sharedAligned(memory, 0, (long) PAGES * PAGE, 1 << 16);
                Userfault faults = Userfault.open(
                        Userfault.Route.valueOf(args[0]),
                        Path.of(args[1]),
                        Uffdio.REQUIRED_FEATURES | Uffdio.FEATURE_POISON);
                UnixSocket socket = UnixSocket.connect(Path.of(args[2]))) {
            memory.addSeals(Memfd.REGION_SEALS);
            map.advise(Mapping.Advice.DONTFORK);
            map.refuseHugePages();
            faults.register(
                    map.address(), map.length(), Uffdio.REGISTER_MISSING | Uffdio.REGISTER_MINOR | Uffdio.REGISTER_WP);
            MemorySegment message = Arena.global().allocate(64, 8);
            message.set(ValueLayout.JAVA_LONG, 0, map.address());
            message.set(ValueLayout.JAVA_LONG, 8, map.length());
            message.set(ValueLayout.JAVA_LONG, 16, faults.fd().number());
            socket.send(message.asSlice(0, 24), memory.fd(), faults.fd());
            serve(socket, map.segment(), message);
        }
    }

    private static void serve(UnixSocket socket, MemorySegment region, MemorySegment message) throws Exception {
        while (socket.receive(message).bytes() == 24) {
            long offset = message.get(ValueLayout.JAVA_LONG, 8) * PAGE;
            long value = message.get(ValueLayout.JAVA_LONG, 16);
            long status = DONE;
            switch ((int) message.get(ValueLayout.JAVA_LONG, 0)) {
                case READ -> {
                    try {
                        value = region.get(ValueLayout.JAVA_LONG, offset);
                    } catch (InternalError e) { // what HotSpot makes of a SIGBUS
                        status = LOST;
                    }
                }
                case WRITE -> region.set(ValueLayout.JAVA_LONG, offset, value);
                case READ_BY_SYSCALL -> {
                    try (FileChannel zero = FileChannel.open(Path.of("/dev/zero"))) {
                        value = zero.read(region.asSlice(offset, 8).asByteBuffer());
                    } catch (IOException e) {
                        status = String.valueOf(e.getMessage()).contains("Bad address") ? BAD_ADDRESS : -1;
                    }
                }
                case READ_WHILE_COLLECTING -> value = readWhileCollecting(region, offset);
                default -> {
                    return;
                }
            }
            message.set(ValueLayout.JAVA_LONG, 0, status);
            message.set(ValueLayout.JAVA_LONG, 8, value);
            socket.send(message.asSlice(0, 16));
        }
    }

    /** One thread waits in a fault while another asks for a collection, which must wait for the first. */
    private static long readWhileCollecting(MemorySegment region, long offset) throws InterruptedException {
        long[] value = new long[1];
        Thread toucher = new Thread(() -> value[0] = region.get(ValueLayout.JAVA_LONG, offset));
        toucher.start();
        for (int i = 0; i < 5; i++) {
            System.gc();
        }
        toucher.join();
        return value[0];
    }
}
