package org.heteromem.core.migrate;

/** The two callbacks of the simple face of migration (struct migrate_vma_ops of 2017). */
public interface MigrationOperations {
    /**
     * Gives pages their destinations and copies them. What is left out stays; an exception leaves everything in place.
     *
     * @param sources what there is, read-only
     * @param migration where destinations are set
     */
    void allocateAndCopy(SourceEntries sources, Migration migration);

    /**
     * Maps what moved in the device's table.
     *
     * @param sources what there was; {@code movable} now tells what moved
     * @param migration the migration, for destinations
     */
    void finalizeAndMap(SourceEntries sources, Migration migration);
}
