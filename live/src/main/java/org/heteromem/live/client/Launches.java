package org.heteromem.live.client;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.heteromem.live.wire.Launch;
import org.heteromem.live.wire.Wire;

/** Kernels that a program runs on its daemon's device, over the memory of its arenas. Thread-safe. */
public final class Launches {
    private final ControlChannel channel;
    private final RegionPool pool;

    Launches(ControlChannel channel, RegionPool pool) {
        this.channel = channel;
        this.pool = pool;
    }

    /** Keeps arenas open, and segments of automatic ones in use, while a kernel works on them. */
    private static final class Hold {
        final List<ArenaMemory> owners = new ArrayList<>();
        final List<MemorySegment> segments = new ArrayList<>();

        synchronized void end() {
            // Needs no heap: there may be none when this has to be done.
            for (int i = owners.size() - 1; i >= 0; i--) {
                owners.remove(i).unhold(this);
            }
            segments.clear();
        }
    }

    /**
     * Starts a kernel.
     *
     * @param device name of the device; empty for the only one
     * @param kernel binary name of its class
     * @param arguments of its constructor: integers, floating-point numbers and segments of this memory
     * @param result of the reply
     * @return completed by another thread when the kernel has ended
     */
    public <T> CompletableFuture<T> launch(String device, String kernel, List<?> arguments, Result<T> result) {
        if (arguments.size() > Wire.MAX_ARGUMENTS) {
            throw new IllegalArgumentException(
                    "a kernel takes at most " + Wire.MAX_ARGUMENTS + " arguments, not " + arguments.size());
        }
        Hold hold = new Hold();
        boolean asked = false;
        try {
            for (Object argument : arguments) {
                check(argument, hold);
            }
            CompletableFuture<T> ended = channel.askLater(
                    (buffer, correlation) -> {
                        Launch request = new Launch().begin(buffer, correlation);
                        arguments.forEach(argument -> add(request, argument));
                        return request.target(device, kernel);
                    },
                    replies -> {
                        hold.end();
                        return result.of(replies);
                    });
            asked = true;
            return ended;
        } finally {
            if (!asked) {
                hold.end();
            }
        }
    }

    private void check(Object argument, Hold hold) {
        switch (argument) {
            case MemorySegment segment -> {
                Ranges.check(segment);
                if (segment.byteSize() == 0) {
                    throw new IllegalArgumentException("a kernel cannot be given memory of no bytes: " + segment);
                }
                ArenaMemory owner =
                        pool.locate(segment.address(), segment.byteSize()).owner();
                // Noted first: to end what is not held is nothing.
                hold.owners.add(owner);
                hold.segments.add(segment);
                owner.hold(hold);
            }
            case Long _, Integer _, Short _, Byte _, Double _, Float _ -> {}
            case null -> throw new IllegalArgumentException("null cannot be an argument of a kernel");
            default ->
                throw new IllegalArgumentException(
                        "an argument of a kernel is a long, an int, a double or a segment of this" + " memory, not "
                                + argument + " of " + argument.getClass());
        }
    }

    private static void add(Launch request, Object argument) {
        switch (argument) {
            case MemorySegment segment -> request.addMemory(segment.address(), segment.byteSize());
            case Double number -> request.add(number.doubleValue());
            case Float number -> request.add(number.doubleValue());
            case Number number -> request.add(number.longValue());
            default -> throw new IllegalStateException("checked before: " + argument);
        }
    }
}
