package org.heteromem.live.daemon;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.wire.Connection;
import org.heteromem.live.wire.Counters;
import org.heteromem.live.wire.Done;
import org.heteromem.live.wire.ErrorCode;
import org.heteromem.live.wire.Failure;
import org.heteromem.live.wire.Following;
import org.heteromem.live.wire.MalformedMessageException;
import org.heteromem.live.wire.Message;

/**
 * What a client is told in answer to its requests. Its own session waits while it has much to read, up to a point: a client
 * that does not read loses its connection. Used by the session's thread; the end of a kernel is told by {@link KernelAnswers}.
 */
final class ClientAnswers {
    private final ClientIdentity client;
    private final Connection connection;
    private final ClientLine line;
    private final Log log;
    private final MemorySegment buffer = Connection.newBuffer(Arena.ofAuto());

    ClientAnswers(ClientIdentity client, Connection connection, ClientLine line, Log log) {
        this.client = client;
        this.connection = connection;
        this.line = line;
        this.log = log;
    }

    /** Where the next message is made. */
    MemorySegment buffer() {
        return buffer;
    }

    void send(Message message) {
        if (!line.send(message)) {
            throw new MalformedMessageException("the client does not read its answers");
        }
    }

    void done(long correlation, long value, long skipped) {
        if (correlation != 0) {
            send(new Done().encode(buffer, correlation, value, skipped));
        }
    }

    void refuse(long correlation, ErrorCode code, String detail) {
        if (correlation == 0) {
            log.line(client + " asked for something without waiting for the answer, which is no: " + detail);
        } else {
            send(new Failure().encode(buffer, correlation, code, detail));
        }
    }

    void counters(long correlation, Map<String, Long> values) {
        Counters counters = new Counters().begin(buffer, correlation, client.pid(), Following.LAST, client.name());
        values.forEach(counters::add);
        send(counters);
    }

    /** Says why the connection ends, if it can still be said. */
    void last(ErrorCode code, String detail) {
        try {
            connection.trySend(new Failure().encode(buffer, 0, code, detail));
        } catch (NativeException e) {
            log.line(client + " could not be told: " + e.getMessage());
        }
    }
}
