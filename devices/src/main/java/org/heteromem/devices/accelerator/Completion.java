package org.heteromem.devices.accelerator;

import java.util.ArrayList;
import java.util.List;
import org.heteromem.core.wait.WaitPoint;
import org.heteromem.core.wait.Waiting;

/** Something that will be over once, and stays so. */
class Completion implements WaitPoint {
    private boolean done;
    private List<Runnable> actions = new ArrayList<>(1);

    /** {@return whether it is over} */
    final synchronized boolean isDone() {
        return done;
    }

    /** It is over: whoever waits goes on. */
    final void complete() {
        List<Runnable> ready;
        synchronized (this) {
            done = true;
            ready = actions;
            actions = List.of();
        }
        ready.forEach(Runnable::run);
    }

    @Override
    public final void whenReady(Runnable action) {
        synchronized (this) {
            if (!done) {
                actions.add(action);
                return;
            }
        }
        action.run();
    }

    /** Returns once it is over. */
    final void await(Waiting waiting) {
        while (!isDone()) {
            waiting.await(this);
        }
    }
}
