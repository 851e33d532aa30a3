package org.heteromem.live.daemon;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.wire.Connection;
import org.heteromem.live.wire.Done;
import org.heteromem.live.wire.ErrorCode;
import org.heteromem.live.wire.Failure;
import org.heteromem.live.wire.Message;

/** Tells the client of the end of kernels, from their threads. Thread-safe. */
final class KernelAnswers implements Computing.Answers {
    private final ClientIdentity client;
    private final ClientLine line;
    private final Log log;
    private final BooleanSupplier ended;
    private final MemorySegment words = Connection.newBuffer(Arena.ofAuto());

    /**
     * Makes it.
     *
     * @param ended whether nobody is there any more who could be told
     */
    KernelAnswers(ClientIdentity client, ClientLine line, Log log, BooleanSupplier ended) {
        this.client = client;
        this.line = line;
        this.log = log;
        this.ended = ended;
    }

    @Override
    public synchronized void done(long correlation) {
        answer(correlation, () -> new Done().encode(words, correlation, 0, 0));
    }

    @Override
    public synchronized void failed(long correlation, ErrorCode code, String detail) {
        log.line(client + ": " + detail);
        answer(correlation, () -> new Failure().encode(words, correlation, code, detail));
    }

    private void answer(long correlation, Supplier<Message> message) {
        if (correlation == 0 || ended.getAsBoolean()) {
            return;
        }
        try {
            if (!line.send(message.get())) {
                log.line(client + " does not read its answers");
                line.shutdown();
            }
        } catch (NativeException e) {
            log.line(client + " could not be told of a kernel's end: " + e.getMessage());
        }
    }
}
