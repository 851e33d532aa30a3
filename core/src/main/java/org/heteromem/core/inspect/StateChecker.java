package org.heteromem.core.inspect;

import java.util.ArrayList;
import java.util.List;
import org.heteromem.core.MemoryManager;
import org.heteromem.core.pin.PageReferences;
import org.heteromem.core.space.StateAudit;
import org.jspecify.annotations.Nullable;

/**
 * An fsck for memory management: compares all that the manager knows twice, and says where the two differ. To be called at a
 * quiet point only: no operation under way, no migration open, no driver call running; frames that a driver has readied
 * with {@code initFrame} but not used count as a violation unless they are named.
 *
 * <pre>{@code
 * StateChecker.of(manager).holding(pinned).mirror(owner, device::forEachEntry).assertSound();
 * }</pre>
 *
 * It takes no lock that it does not give back and changes nothing, counters and used bits included. Not thread-safe.
 */
public final class StateChecker {
    private final MemoryManager manager;
    private final List<PageReferences> held = new ArrayList<>();
    private final List<long[]> driverHeld = new ArrayList<>();
    private final List<Mirror> mirrors = new ArrayList<>();

    private record Mirror(@Nullable Object owner, MirrorView view) {}

    private StateChecker(MemoryManager manager) {
        this.manager = manager;
    }

    /**
     * {@return a checker that knows of nothing held outside}
     *
     * @param manager whose state
     */
    public static StateChecker of(MemoryManager manager) {
        return new StateChecker(manager);
    }

    /**
     * Checks a manager of which nobody outside holds a reference and which no mirror follows.
     *
     * @param manager whose state
     * @return what is wrong; empty if all is sound
     */
    public static List<Violation> check(MemoryManager manager) {
        return of(manager).check();
    }

    /**
     * As {@link #check(MemoryManager)}.
     *
     * @param manager whose state
     * @throws IllegalStateException with all that is wrong
     */
    public static void assertSound(MemoryManager manager) {
        of(manager).assertSound();
    }

    /**
     * Accounts for references that the caller holds; closed ones count as nothing.
     *
     * @param references what is held
     * @return this
     */
    public StateChecker holding(PageReferences references) {
        held.add(references);
        return this;
    }

    /**
     * Accounts for one reference on each of some frames, such as those a driver keeps ready.
     *
     * @param frames frame numbers, one as often as it is held
     * @return this
     */
    public StateChecker holding(long... frames) {
        driverHeld.add(frames.clone());
        return this;
    }

    /**
     * Has the table of a device without private memory compared as well.
     *
     * @param view the table; one for each device
     * @return this
     */
    public StateChecker mirror(MirrorView view) {
        return mirror(null, view);
    }

    /**
     * Has a device's table compared as well.
     *
     * @param owner the owner of its private memory ({@link org.heteromem.core.device.DeviceMemory#owner}), in which nobody
     *     else may have a page; or null if it has none
     * @param view the table; one for each device
     * @return this
     */
    public StateChecker mirror(@Nullable Object owner, MirrorView view) {
        mirrors.add(new Mirror(owner, view));
        return this;
    }

    /** {@return what is wrong; empty if all is sound} */
    public List<Violation> check() {
        StateAudit audit = new StateAudit(manager.machine(), manager.resources());
        for (PageReferences references : held) {
            if (references.isOpen()) {
                for (int i = 0; i < references.pages(); i++) {
                    // References to the shared zero page are not counted.
                    if (references.frame(i) != manager.machine().zeroFrame) {
                        audit.held(references.frame(i), references.isPin());
                    }
                }
            }
        }
        for (long[] frames : driverHeld) {
            for (long frame : frames) {
                audit.held(frame, false);
            }
        }
        audit.run();
        for (Mirror mirror : mirrors) {
            mirror.view.forEach((space, address, frame, writable) ->
                    audit.mirrored(mirror.view, mirror.owner, space.mm(), address, frame, writable));
        }
        return audit.violations();
    }

    /**
     * Checks.
     *
     * @throws IllegalStateException with all that is wrong
     */
    public void assertSound() {
        List<Violation> found = check();
        if (!found.isEmpty()) {
            StringBuilder message = new StringBuilder("the memory manager's state is not sound:");
            found.forEach(violation -> message.append("\n  ").append(violation));
            throw new IllegalStateException(message.toString());
        }
    }
}
