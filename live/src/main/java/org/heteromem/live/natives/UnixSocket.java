package org.heteromem.live.natives;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/**
 * A Unix-domain socket that carries whole messages ({@code SOCK_SEQPACKET}) and, with them, descriptors.
 *
 * <p>A message arrives whole or not at all, with exactly the descriptors that it was sent with: nothing to reassemble, and
 * nothing that a hostile sender can take out of step. Thread-safe: several threads may send, several may receive, each
 * message goes to one.
 */
public final class UnixSocket implements AutoCloseable {
    /** Most descriptors with one message, both ways. */
    public static final int MAX_DESCRIPTORS = 16;

    /** Longest path of a socket, in bytes of UTF-8. */
    public static final int MAX_PATH_BYTES = 107;

    /**
     * Who is at the other end, by the kernel's word, as of the time it connected.
     *
     * @param pid its process id
     * @param uid its user id
     * @param gid its group id
     */
    public record Peer(int pid, int uid, int gid) {}

    /** Two sockets connected with each other. */
    public record Pair(UnixSocket left, UnixSocket right) implements AutoCloseable {
        @Override
        public void close() {
            left.close();
            right.close();
        }
    }

    /**
     * What one receive brought.
     *
     * @param bytes length of the message; 0 when the other end has closed
     * @param truncated whether something did not fit: the message into the buffer, or more than {@link #MAX_DESCRIPTORS}
     * @param descriptors owned by whoever receives this
     */
    public record Received(int bytes, boolean truncated, List<Fd> descriptors) {
        /** Closes the descriptors. */
        public void closeDescriptors() {
            descriptors.forEach(Fd::close);
        }
    }

    private static final int AF_UNIX = 1;
    private static final int SOCK_SEQPACKET = 5;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int SOL_SOCKET = 1;
    private static final int SO_PEERCRED = 17;
    private static final int SO_PEERPIDFD = 77;
    private static final int SCM_RIGHTS = 1;
    private static final int SHUT_RDWR = 2;
    private static final int MSG_CTRUNC = 0x8;
    private static final int MSG_TRUNC = 0x20;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x4000_0000;

    // struct msghdr at 0 of the scratch arguments, its struct iovec at 64
    private static final int IOV = 16;
    private static final int IOV_COUNT = 24;
    private static final int CONTROL = 32;
    private static final int CONTROL_BYTES = 40;
    private static final int FLAGS = 48;
    private static final int HEADER_BYTES = 56;
    private static final int VECTOR = 64;

    // struct cmsghdr: length 0 (8 bytes), level 8, type 12, descriptors from 16 on
    private static final int CMSG_LEVEL = 8;
    private static final int CMSG_TYPE = 12;
    private static final int CMSG_DATA = 16;

    private final Fd fd;

    private UnixSocket(int number, String what) {
        this(Fd.own(number, what));
    }

    private UnixSocket(Fd fd) {
        this.fd = fd;
    }

    /**
     * Waits for connections at a path; the file is for its owner only before anyone can connect.
     *
     * @param backlog connections that may wait for {@link #accept}
     * @throws IllegalArgumentException if the path is longer than {@link #MAX_PATH_BYTES}
     * @throws NativeException EADDRINUSE if there is a file at the path, whether or not somebody listens
     */
    public static UnixSocket listen(Path path, int backlog) {
        UnixSocket socket = new UnixSocket(create(), "listening at " + path);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(path, arena);
            int number = socket.fd.number();
            check(Calls.bind(number, address, (int) address.byteSize()), "bind", path.toString());
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
            check(Calls.listen(number, backlog), "listen", path.toString());
            return socket;
        } catch (IOException e) {
            socket.close();
            throw new IllegalStateException("cannot restrict the socket " + path + " to its owner: " + e, e);
        } catch (RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    /**
     * Connects to who listens at a path.
     *
     * @throws IllegalArgumentException if the path is longer than {@link #MAX_PATH_BYTES}
     * @throws NativeException ENOENT if there is no file, ECONNREFUSED if nobody listens, EACCES if it is somebody else's
     */
    public static UnixSocket connect(Path path) {
        UnixSocket socket = new UnixSocket(create(), "connected to " + path);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(path, arena);
            int r;
            do {
                r = Calls.connect(socket.fd.number(), address, (int) address.byteSize());
            } while (r == -Errno.EINTR);
            check(r, "connect", path.toString());
            return socket;
        } catch (RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    /**
     * Takes a socket that somebody else has made, such as a predecessor of this process.
     *
     * @param fd a descriptor of a {@code SOCK_SEQPACKET} socket; owned by the result
     */
    public static UnixSocket adopt(Fd fd) {
        return new UnixSocket(fd);
    }

    /** Two connected sockets. */
    public static Pair pair() {
        Platform.require();
        Scratch s = Scratch.get();
        check(Calls.socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s.argumentsAddress), "socketpair", "");
        return new Pair(
                new UnixSocket(s.arguments.get(ValueLayout.JAVA_INT, 0), "socket pair"),
                new UnixSocket(s.arguments.get(ValueLayout.JAVA_INT, 4), "socket pair"));
    }

    private static int create() {
        Platform.require();
        int number = Calls.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        check(number, "socket", "AF_UNIX");
        return number;
    }

    /**
     * Checks that a path is one that sockets can have.
     *
     * @throws IllegalArgumentException if it is longer than {@link #MAX_PATH_BYTES}, or empty
     */
    public static void requirePath(Path path) {
        int length = path.toString().getBytes(StandardCharsets.UTF_8).length;
        if (length > MAX_PATH_BYTES || length == 0) {
            throw new IllegalArgumentException("socket path of " + length + " bytes is not in 1.." + MAX_PATH_BYTES
                    + ", Linux's limit; choose a shorter directory: " + path);
        }
    }

    /**
     * Removes the file of a socket at which nobody listens any more, if there is one.
     *
     * @throws IllegalStateException if something else than a socket is there, or it cannot be removed
     */
    public static void removeAbandoned(Path path) {
        try {
            if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)
                    && !Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                            .isOther()) {
                throw new IllegalStateException(path + " is no socket; choose another path, or remove it");
            }
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new IllegalStateException("cannot remove the socket that somebody has left: " + e, e);
        }
    }

    /** {@code struct sockaddr_un}: family in 2 bytes, then the path and a zero. */
    private static MemorySegment address(Path path, Arena arena) {
        requirePath(path);
        byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
        MemorySegment address = arena.allocate(2 + name.length + 1, 8);
        address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(name, 0, address, ValueLayout.JAVA_BYTE, 2, name.length);
        return address;
    }

    /**
     * Takes the next connection, and waits for it.
     *
     * @throws NativeException EINVAL after {@link #shutdown()}; EMFILE when descriptors run out
     */
    public UnixSocket accept() {
        int listening = fd.borrow("accept4");
        try {
            int number;
            do {
                number = Calls.accept4(listening, SOCK_CLOEXEC);
            } while (number == -Errno.EINTR);
            check(number, "accept4", fd.toString());
            return new UnixSocket(number, "accepted");
        } finally {
            fd.giveBack();
        }
    }

    /** The descriptor, to watch for {@link Poller#IN}; closing it closes this. */
    public Fd fd() {
        return fd;
    }

    /** Who is at the other end. */
    public Peer peer() {
        Scratch s = Scratch.get();
        option("getsockopt(SO_PEERCRED)", SO_PEERCRED, 12, s);
        return new Peer(
                s.arguments.get(ValueLayout.JAVA_INT, 0),
                s.arguments.get(ValueLayout.JAVA_INT, 4),
                s.arguments.get(ValueLayout.JAVA_INT, 8));
    }

    /**
     * The process at the other end, which is never mistaken for one that got its id later (from Linux 6.5 on; by its id
     * before).
     *
     * @throws NativeException ESRCH if it has ended, and before Linux 6.5 only
     */
    public PidFd peerProcess() {
        Scratch s = Scratch.get();
        try {
            option("getsockopt(SO_PEERPIDFD)", SO_PEERPIDFD, 4, s);
        } catch (NativeException e) {
            if (e.errno() != Errno.ENOPROTOOPT) {
                throw e;
            }
            return PidFd.open(peer().pid());
        }
        return new PidFd(Fd.own(s.arguments.get(ValueLayout.JAVA_INT, 0), "pidfd of " + fd));
    }

    private void option(String call, int name, int bytes, Scratch s) {
        s.arguments.set(ValueLayout.JAVA_INT, VECTOR, bytes);
        int number = fd.borrow(call);
        try {
            check(
                    Calls.getsockopt(number, SOL_SOCKET, name, s.argumentsAddress, s.argumentsAddress + VECTOR),
                    call,
                    fd.toString());
        } finally {
            fd.giveBack();
        }
    }

    /**
     * Sends one message, and waits while the other end does not take it.
     *
     * @param message native memory, at least one byte
     * @param descriptors copies of which go with it; at most {@link #MAX_DESCRIPTORS}
     * @throws NativeException EPIPE or ECONNRESET when the other end has closed
     */
    public void send(MemorySegment message, Fd... descriptors) {
        checkMoved(transmit(message, 0, descriptors), "sendmsg", " bytes=", message);
    }

    /**
     * Sends one message if it can be sent at once: for a sender who must not be held up by a receiver.
     *
     * @return false when the other end has too many messages waiting, and for nothing else
     */
    public boolean trySend(MemorySegment message, Fd... descriptors) {
        long r = transmit(message, MSG_DONTWAIT, descriptors);
        if (r == -Errno.EAGAIN) {
            return false;
        }
        checkMoved(r, "sendmsg", " bytes=", message);
        return true;
    }

    private long transmit(MemorySegment message, int flags, Fd[] descriptors) {
        if (descriptors.length > MAX_DESCRIPTORS) {
            throw new IllegalArgumentException(
                    descriptors.length + " descriptors with one message; at most " + MAX_DESCRIPTORS);
        }
        if (message.byteSize() == 0) {
            throw new IllegalArgumentException("a message of no bytes cannot be told from a closed connection");
        }
        Scratch s = Scratch.get();
        header(s, message, descriptors.length == 0 ? 0 : controlBytes(descriptors.length));
        int number = fd.borrow("sendmsg");
        int borrowed = 0;
        try {
            MemorySegment c = s.control;
            if (descriptors.length > 0) {
                c.set(ValueLayout.JAVA_LONG, 0, CMSG_DATA + 4L * descriptors.length);
                c.set(ValueLayout.JAVA_INT, CMSG_LEVEL, SOL_SOCKET);
                c.set(ValueLayout.JAVA_INT, CMSG_TYPE, SCM_RIGHTS);
                for (; borrowed < descriptors.length; borrowed++) {
                    c.set(ValueLayout.JAVA_INT, CMSG_DATA + 4L * borrowed, descriptors[borrowed].borrow("sendmsg"));
                }
            }
            long r;
            do {
                r = Calls.sendmsg(number, s.argumentsAddress, flags | MSG_NOSIGNAL, message);
            } while (r == -Errno.EINTR);
            return r;
        } finally {
            for (int i = 0; i < borrowed; i++) {
                descriptors[i].giveBack();
            }
            fd.giveBack();
        }
    }

    /**
     * Takes one message, and waits for it.
     *
     * @param into native memory for it
     * @return the message's length and descriptors; 0 bytes when the other end has closed
     * @throws NativeException ECONNRESET when the other end closed with messages unread
     */
    public Received receive(MemorySegment into) {
        return receive(into, 0);
    }

    /**
     * Takes one message if one is there.
     *
     * @return as {@link #receive}; a length of -1 when there is none
     */
    public Received tryReceive(MemorySegment into) {
        return receive(into, MSG_DONTWAIT);
    }

    /**
     * Takes one message without its descriptors, and waits for it.
     *
     * @param into native memory for it
     * @return the message's length, more than there is room for if it was cut off; 0 when the other end has closed
     * @throws NativeException ECONNRESET when the other end closed with messages unread
     */
    public long receiveBytes(MemorySegment into) {
        long r = receive(Scratch.get(), into, 0, MSG_TRUNC);
        checkMoved(r, "recvmsg", " room=", into);
        return r;
    }

    private Received receive(MemorySegment into, int flags) {
        Scratch s = Scratch.get();
        long r = receive(s, into, controlBytes(MAX_DESCRIPTORS), flags);
        if (r == -Errno.EAGAIN) {
            return new Received(-1, false, List.of());
        }
        checkMoved(r, "recvmsg", " room=", into);
        boolean truncated = (s.arguments.get(ValueLayout.JAVA_INT, FLAGS) & (MSG_TRUNC | MSG_CTRUNC)) != 0;
        return new Received((int) r, truncated, descriptors(s));
    }

    private long receive(Scratch s, MemorySegment into, long controlBytes, int flags) {
        int number = fd.borrow("recvmsg");
        try {
            long r;
            do {
                header(s, into, controlBytes);
                r = Calls.recvmsg(number, s.argumentsAddress, flags | MSG_CMSG_CLOEXEC, into);
            } while (r == -Errno.EINTR);
            return r;
        } finally {
            fd.giveBack();
        }
    }

    private static List<Fd> descriptors(Scratch s) {
        long controlBytes = s.arguments.get(ValueLayout.JAVA_LONG, CONTROL_BYTES);
        List<Fd> descriptors = new ArrayList<>();
        MemorySegment c = s.control;
        // One control message of each kind at most arrives; ours is the only kind that is switched on.
        if (controlBytes > CMSG_DATA
                && c.get(ValueLayout.JAVA_INT, CMSG_LEVEL) == SOL_SOCKET
                && c.get(ValueLayout.JAVA_INT, CMSG_TYPE) == SCM_RIGHTS) {
            long end = c.get(ValueLayout.JAVA_LONG, 0);
            for (long at = CMSG_DATA; at + 4 <= end; at += 4) {
                descriptors.add(Fd.own(c.get(ValueLayout.JAVA_INT, at), "received"));
            }
        }
        return descriptors;
    }

    private static long controlBytes(int descriptors) {
        return CMSG_DATA + (4L * descriptors + 7 & -8L);
    }

    private static void header(Scratch s, MemorySegment message, long controlBytes) {
        if (!message.isNative()) {
            throw new IllegalArgumentException("a message must be in native memory: " + message);
        }
        MemorySegment a = s.arguments;
        a.asSlice(0, HEADER_BYTES).fill((byte) 0);
        a.set(ValueLayout.JAVA_LONG, IOV, s.argumentsAddress + VECTOR);
        a.set(ValueLayout.JAVA_LONG, IOV_COUNT, 1L);
        a.set(ValueLayout.JAVA_LONG, CONTROL, controlBytes == 0 ? 0 : s.control.address());
        a.set(ValueLayout.JAVA_LONG, CONTROL_BYTES, controlBytes);
        a.set(ValueLayout.JAVA_LONG, VECTOR, message.address());
        a.set(ValueLayout.JAVA_LONG, VECTOR + 8, message.byteSize());
    }

    /** Ends the conversation both ways: who waits in {@link #receive} or {@link #accept} returns. */
    public void shutdown() {
        int number = fd.tryBorrow();
        if (number < 0) {
            return;
        }
        try {
            int r = Calls.shutdown(number, SHUT_RDWR);
            if (r != -Errno.ENOTCONN) {
                check(r, "shutdown", fd.toString());
            }
        } finally {
            fd.giveBack();
        }
    }

    /** Makes words for an error only: who has no heap must not fail after a message has gone or come. */
    private void checkMoved(long result, String call, String what, MemorySegment bytes) {
        if (result < 0) {
            throw new NativeException(call, fd + what + bytes.byteSize(), (int) -result);
        }
    }

    private static void check(long result, String call, String arguments) {
        if (result < 0) {
            throw new NativeException(call, arguments, (int) -result);
        }
    }

    @Override
    public void close() {
        fd.close();
    }

    @Override
    public String toString() {
        return fd.toString();
    }
}
