package org.heteromem.cli.conform;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.heteromem.core.MemoryException;
import org.heteromem.core.Page;
import org.heteromem.core.inspect.StateChecker;

/** Replays one scenario on a machine of its own. */
final class Replay {
    /** Page number of the place for the first mapping of a scenario, less one step. */
    private static final long FIRST_PAGE = 0x1_0000_0000L;

    private final Scenario scenario;
    private final ReplayMachine machine;
    private final TreeMap<Integer, ReplayTask> tasks = new TreeMap<>();
    private final List<Difference> differences = new ArrayList<>();
    private int placed;

    private Replay(Scenario scenario, ReplayMachine machine) {
        this.scenario = scenario;
        this.machine = machine;
    }

    /**
     * Carries out a scenario.
     *
     * @param scenario one without unsupported operations
     * @param stores the bytes to run it on
     * @return every result that is not the recorded one
     */
    static List<Difference> run(Scenario scenario, ReplayMachine.Stores stores) {
        try (ReplayMachine machine = new ReplayMachine(stores)) {
            Replay replay = new Replay(scenario, machine);
            replay.play();
            return replay.differences;
        }
    }

    private void play() {
        tasks.put(0, new ReplayTask(machine));
        for (Step step : scenario.steps()) {
            String actual = result(step);
            if (!actual.equals(step.expected())) {
                differences.add(new Difference(scenario, step.line(), step.text(), step.expected(), actual));
            }
        }
        try {
            checkState();
            tasks.descendingMap().values().forEach(ReplayTask::exit);
            String left = machine.leftBehind();
            if (!left.isEmpty()) {
                atEnd("pages still in use: " + left);
            }
        } catch (RuntimeException e) {
            atEnd(e.toString());
        }
    }

    private void checkState() {
        StateChecker checker = StateChecker.of(machine.manager());
        tasks.values().forEach(task -> task.account(checker));
        checker.check().forEach(violation -> atEnd(violation.toString()));
    }

    private void atEnd(String actual) {
        differences.add(new Difference(
                scenario,
                scenario.steps().getLast().line(),
                "end of the scenario",
                "a sound state, and every page freed",
                actual));
    }

    private String result(Step step) {
        try {
            return carryOut(step);
        } catch (MemoryException e) {
            return e.errno().toString();
        } catch (RuntimeException e) {
            // A defect of the core must not keep the other scenarios from being replayed; it counts as a difference.
            return e.toString();
        }
    }

    private String carryOut(Step step) {
        ReplayTask task = tasks.get(step.task());
        if (task == null) {
            throw new IllegalStateException("no task " + step.task());
        }
        return switch (step.operation()) {
            case FORK -> {
                tasks.put(step.number(0), task.fork());
                yield "ok";
            }
            case EXIT -> {
                tasks.remove(step.task());
                task.exit();
                yield "ok";
            }
            case MAP, REMAP -> {
                placed++;
                yield task.change(step, Page.address(FIRST_PAGE + (long) ScenarioReader.AREA_PAGES * placed));
            }
            case UNMAP, PROTECT, ADVISE, LOCK, UNLOCK -> task.change(step, 0);
            case READ, WRITE, FILL, PEEK, POKE -> task.access(step);
            case SNAP, DEV_READ, DEV_WRITE, TO_DEV, TO_RAM, EXCL, CHECK_EXCL, EVICT, CLOSE, FAIL_ALLOC ->
                task.device(step);
            case PAGEMAP -> task.pagemap(step);
            case RSS -> task.rss(step);
            case MINCORE -> task.mincore(step);
            case HOLD, UNHOLD, PIN, PIN_READ, UNPIN -> task.reference(step);
            case GET, PIN_LONG_BRIEF -> task.brief(step);
            default -> throw new IllegalStateException("not supported: " + step.text());
        };
    }
}
