package org.heteromem.live.daemon;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.UnixSocket;

/**
 * Somebody at a socket that is not meant for him. Arguments: {@code listen} or {@code connect}, and the socket. Says {@code
 * there} when he is, and then how many bytes the first message has that he is given, 0 if the other end closes.
 */
public final class Stranger {
    private Stranger() {}

    /** See above. */
    public static void main(String[] arguments) throws Exception {
        Path path = Path.of(arguments[1]);
        if (arguments[0].equals("listen")) {
            try (UnixSocket listening = UnixSocket.listen(path, 4)) {
                Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxrwxrwx"));
                System.out.println("there");
                hear(listening.accept());
            }
        } else {
            UnixSocket socket = UnixSocket.connect(path);
            System.out.println("there");
            hear(socket);
        }
    }

    private static void hear(UnixSocket socket) {
        MemorySegment buffer = Arena.ofAuto().allocate(64 << 10, 8);
        try (socket) {
            System.out.println(socket.receive(buffer).bytes());
        } catch (NativeException e) {
            RawClient.requireClosed(e);
            System.out.println(0);
        }
    }
}
