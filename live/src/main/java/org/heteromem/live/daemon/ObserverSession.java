package org.heteromem.live.daemon;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.heteromem.live.Status;
import org.heteromem.live.natives.Fd;
import org.heteromem.live.wire.Connection;
import org.heteromem.live.wire.Counters;
import org.heteromem.live.wire.ErrorCode;
import org.heteromem.live.wire.Failure;
import org.heteromem.live.wire.Following;
import org.heteromem.live.wire.MalformedMessageException;
import org.heteromem.live.wire.Message;
import org.heteromem.live.wire.MessageType;
import org.heteromem.live.wire.Query;
import org.heteromem.live.wire.Text;
import org.heteromem.live.wire.Wire;

/**
 * Answers who only looks: STATUS by one COUNTERS for the daemon and one for each client, SMAPS by TEXT in pieces. Has no
 * memory and no threads of its own; whoever speaks to it waits for nobody's page.
 */
final class ObserverSession {
    private final Daemon daemon;
    private final Connection connection;
    private final ClientLine line;
    private final Log log;
    private final MemorySegment buffer = Connection.newBuffer(Arena.ofAuto());

    ObserverSession(Daemon daemon, Connection connection, ClientLine line, Log log) {
        this.daemon = daemon;
        this.connection = connection;
        this.line = line;
        this.log = log;
    }

    /** Answers until the observer leaves. */
    void run() {
        for (; ; ) {
            Optional<Connection.Incoming> incoming = connection.receive();
            if (incoming.isEmpty()) {
                return;
            }
            incoming.get().descriptors().forEach(Fd::close);
            Message message = incoming.get().message();
            if (message instanceof Query query) {
                answer(query);
            } else if (message.correlation() == 0) {
                log.line("an observer sent " + message.type() + ", which is not for observers");
            } else {
                refuse(message.correlation(), ErrorCode.NOT_ALLOWED, message.type() + " is not for an observer");
            }
        }
    }

    /** Answers one question. */
    void answer(Query query) {
        if (query.type() == MessageType.STATUS) {
            status(query.correlation(), query.pid());
        } else {
            smaps(query.correlation(), query.pid());
        }
    }

    private void status(long correlation, int pid) {
        List<Status.Subject> subjects = daemon.status().subjects().stream()
                .filter(subject -> pid == 0 || subject.pid() == pid)
                .toList();
        if (subjects.isEmpty()) {
            refuse(correlation, ErrorCode.NO_PROCESS, noSuch(pid));
            return;
        }
        for (int i = 0; i < subjects.size(); i++) {
            Status.Subject subject = subjects.get(i);
            Following following = i + 1 < subjects.size() ? Following.MORE : Following.LAST;
            Counters counters = new Counters().begin(buffer, correlation, subject.pid(), following, subject.name());
            subject.counters().forEach(counters::add);
            send(counters);
        }
    }

    private void smaps(long correlation, int pid) {
        List<ClientSession> clients = daemon.sessions().stream()
                .filter(session -> session.isClient() && session.pid() == pid)
                .toList();
        if (clients.isEmpty()) {
            refuse(correlation, ErrorCode.NO_PROCESS, noSuch(pid));
            return;
        }
        // ASCII but for the names that clients give: cut by characters, three bytes each at most.
        String text = clients.stream().map(ClientSession::smaps).collect(Collectors.joining());
        int piece = text.getBytes(StandardCharsets.UTF_8).length <= Wire.MAX_TEXT_BYTES
                ? text.length()
                : Wire.MAX_TEXT_BYTES / 3;
        int at = 0;
        do {
            int end = Math.min(text.length(), at + piece);
            if (end < text.length() && Character.isHighSurrogate(text.charAt(end - 1))) {
                end--;
            }
            Following following = end < text.length() ? Following.MORE : Following.LAST;
            send(new Text().encode(buffer, correlation, following, text.substring(at, end)));
            at = end;
        } while (at < text.length());
    }

    private String noSuch(int pid) {
        return "process " + pid + " has no memory here; those that have: "
                + daemon.sessions().stream()
                        .filter(ClientSession::isClient)
                        .map(session -> Integer.toString(session.pid()))
                        .distinct()
                        .collect(Collectors.collectingAndThen(
                                Collectors.joining(", "), pids -> pids.isEmpty() ? "none" : pids));
    }

    private void refuse(long correlation, ErrorCode code, String detail) {
        send(new Failure().encode(buffer, correlation, code, detail));
    }

    private void send(Message message) {
        if (message.correlation() != 0 && !line.send(message)) {
            throw new MalformedMessageException("whoever asks how things are does not read the answers");
        }
    }
}
