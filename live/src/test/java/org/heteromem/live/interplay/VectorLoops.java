package org.heteromem.live.interplay;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** A loop of the Vector API, in a class of its own: a JVM without that module does not load it. */
final class VectorLoops {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

    private VectorLoops() {}

    /** y += a * x for some elements. */
    static void addScaled(MemorySegment x, float a, MemorySegment y, int from, int to) {
        FloatVector factor = FloatVector.broadcast(SPECIES, a);
        int i = from;
        for (; i + SPECIES.length() <= to; i += SPECIES.length()) {
            long at = (long) i * Float.BYTES;
            FloatVector.fromMemorySegment(SPECIES, x, at, ByteOrder.nativeOrder())
                    .lanewise(
                            VectorOperators.FMA,
                            factor,
                            FloatVector.fromMemorySegment(SPECIES, y, at, ByteOrder.nativeOrder()))
                    .intoMemorySegment(y, at, ByteOrder.nativeOrder());
        }
        for (; i < to; i++) {
            y.setAtIndex(JAVA_FLOAT, i, Math.fma(a, x.getAtIndex(JAVA_FLOAT, i), y.getAtIndex(JAVA_FLOAT, i)));
        }
    }
}
