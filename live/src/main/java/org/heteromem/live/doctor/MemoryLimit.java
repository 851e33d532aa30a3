package org.heteromem.live.doctor;

import java.nio.file.Path;
import java.util.Optional;

/**
 * The memory limit of this process's control group: the lowest on the way from its group up to the root.
 *
 * @param limitBytes most bytes that the group may use
 * @param usedBytes how many it uses now
 * @param file where the limit is set
 */
record MemoryLimit(long limitBytes, long usedBytes, Path file) {
    private static final Path UNIFIED = Path.of("/sys/fs/cgroup");
    private static final Path OLD = Path.of("/sys/fs/cgroup/memory");

    /** The limit in force; empty when there is none, or none can be seen. */
    static Optional<MemoryLimit> of(Machine machine) {
        return machine.text(Path.of("/proc/self/cgroup"))
                .flatMap(groups -> groups.lines()
                        .flatMap(line -> lowest(machine, line).stream())
                        .min((a, b) -> Long.compare(a.limitBytes, b.limitBytes)));
    }

    /** A line is {@code number:controllers:path}; without controllers it is the unified hierarchy. */
    private static Optional<MemoryLimit> lowest(Machine machine, String line) {
        String[] fields = line.split(":", 3);
        if (fields.length < 3 || !fields[2].startsWith("/")) {
            return Optional.empty();
        }
        boolean unified = fields[1].isEmpty();
        if (!unified && !(',' + fields[1] + ',').contains(",memory,")) {
            return Optional.empty();
        }
        Path root = unified ? UNIFIED : OLD;
        Optional<MemoryLimit> lowest = Optional.empty();
        // In a container the path may be the host's and absent here; the root is then the container's own group.
        Path named = root.resolve(fields[2].substring(1)).normalize();
        Path group = named.startsWith(root) ? named : root;
        while (group != null && group.startsWith(root)) {
            Optional<MemoryLimit> here = at(machine, group, unified);
            if (here.isPresent() && (lowest.isEmpty() || here.get().limitBytes < lowest.get().limitBytes)) {
                lowest = here;
            }
            group = group.getParent();
        }
        return lowest;
    }

    private static Optional<MemoryLimit> at(Machine machine, Path group, boolean unified) {
        Path file = group.resolve(unified ? "memory.max" : "memory.limit_in_bytes");
        Path used = group.resolve(unified ? "memory.current" : "memory.usage_in_bytes");
        // "max", and in the old hierarchy a number past all memory, mean no limit
        return number(machine, file)
                .filter(bytes -> bytes < 1L << 60)
                .map(bytes -> new MemoryLimit(bytes, number(machine, used).orElse(0L), file));
    }

    private static Optional<Long> number(Machine machine, Path file) {
        return machine.text(file)
                .map(String::strip)
                .filter(t -> t.matches("[0-9]{1,18}"))
                .map(Long::valueOf);
    }
}
