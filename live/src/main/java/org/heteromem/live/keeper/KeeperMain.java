package org.heteromem.live.keeper;

import java.nio.file.Path;
import java.util.function.Consumer;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.Processes;

/** The keeper as a process; daemons start it. Arguments: its socket, and the process that all is for, or 0. */
public final class KeeperMain {
    private KeeperMain() {}

    /**
     * Keeps until there is nothing to keep.
     *
     * @param arguments see above
     */
    public static void main(String[] arguments) {
        Processes.startSession();
        Consumer<String> log = line -> System.err.println("keeper: " + line);
        try (Keeper keeper = new Keeper(Path.of(arguments[0]), Integer.parseInt(arguments[1]), log)) {
            keeper.run();
        } catch (NativeException | IllegalStateException | IllegalArgumentException e) {
            log.accept(String.valueOf(e.getMessage()));
            System.exit(1);
        }
    }
}
