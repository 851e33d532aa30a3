package org.heteromem.policy;

import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.heteromem.core.Page;
import org.heteromem.core.policy.BlockView;
import org.heteromem.core.policy.EvictionPolicy;
import org.heteromem.core.policy.PlacementPolicy;
import org.heteromem.core.policy.PolicySet;
import org.heteromem.core.policy.VictimPolicy;

/** The policies that there are, by name. */
public final class Policies {
    /** The placement policy of a run that names none. */
    public static final String DEFAULT_PLACEMENT = "tree";
    /** The eviction policy of a run that names none. */
    public static final String DEFAULT_EVICTION = "lru";
    /** The victim policy of a daemon that is told none. */
    public static final String DEFAULT_VICTIMS = "refault";

    /** What follows the name of a victim policy that samples accesses. */
    public static final String SAMPLING = "+sampling";

    private static final List<PlacementPolicy> PLACEMENT = List.of(
            new BlockMigration("on-demand", "just the 4 KiB page that is touched", 1),
            new BlockMigration("block-64k", "the aligned 64 KiB around the page that is touched", 16),
            new BlockMigration("block-2m", "the aligned 2 MiB around the page that is touched", Page.PER_BLOCK),
            new TreePrefetch());

    private static final List<EvictionPolicy> EVICTION = List.of(
            new LruEviction(
                    "lru",
                    "the 2 MiB block that the device has not used for longest",
                    Comparator.comparingLong(BlockView::lastUse).thenComparingLong(BlockView::arrival)),
            new LruEviction(
                    "lru-allocated",
                    "the 2 MiB block that came to the device first (what NVIDIA's driver does)",
                    Comparator.comparingLong(BlockView::arrival)));

    /** Makers, because a victim policy serves one budget and learns. */
    private static final List<Supplier<VictimPolicy>> VICTIMS =
            List.of(RefaultVictims::new, TwoQueues::new, VictimPolicy::byAge);

    private Policies() {}

    /** {@return all placement policies} */
    public static List<PlacementPolicy> placements() {
        return PLACEMENT;
    }

    /** {@return all eviction policies} */
    public static List<EvictionPolicy> evictions() {
        return EVICTION;
    }

    /**
     * {@return the policies with a name}
     *
     * @param name of a placement policy, or of a placement and an eviction policy joined by {@code +}, as in {@code
     *     tree+lru-allocated}
     * @throws IllegalArgumentException if there is none, with the names there are
     */
    public static PolicySet byName(String name) {
        int plus = name.indexOf('+');
        String placement = plus < 0 ? name : name.substring(0, plus);
        String eviction = plus < 0 ? DEFAULT_EVICTION : name.substring(plus + 1);
        return new PolicySet(
                find("policy", PLACEMENT, PlacementPolicy::name, placement),
                find("eviction policy", EVICTION, EvictionPolicy::name, eviction));
    }

    /** {@return one new victim policy of each kind} */
    public static List<VictimPolicy> victims() {
        return VICTIMS.stream().map(Supplier::get).toList();
    }

    /**
     * {@return a new victim policy, for one budget of RAM}
     *
     * @param name its name; with {@link #SAMPLING} behind it, what is used shortly before it would leave stays
     * @throws IllegalArgumentException if there is none, with the names there are
     */
    public static VictimPolicy victims(String name) {
        return name.endsWith(SAMPLING)
                ? new Sampling(findVictims(name.substring(0, name.length() - SAMPLING.length())))
                : findVictims(name);
    }

    private static VictimPolicy findVictims(String name) {
        return find("victim policy", victims(), VictimPolicy::name, name);
    }

    private static <T> T find(String kind, List<T> all, Function<T, String> nameOf, String name) {
        return all.stream()
                .filter(policy -> nameOf.apply(policy).equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("unknown " + kind + " '" + name + "': choose one of "
                        + all.stream().map(nameOf).collect(Collectors.joining(", "))));
    }
}
