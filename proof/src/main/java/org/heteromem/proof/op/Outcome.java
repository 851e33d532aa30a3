package org.heteromem.proof.op;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What came out of a step. */
public final class Outcome {
    private static final byte[] NOTHING = {};
    private static final boolean[] SURE = {};

    private final @Nullable String error;
    private final long value;
    private final byte[] data;
    private final boolean[] unsure;

    /** Done, and nothing to tell. */
    public static final Outcome OK = new Outcome(null, 0, NOTHING, SURE);
    /** No frame could be had. */
    public static final String EXHAUSTED = "EXHAUSTED";

    private Outcome(@Nullable String error, long value, byte[] data, boolean[] unsure) {
        this.error = error;
        this.value = value;
        this.data = data;
        this.unsure = unsure;
    }

    /** {@return the name of an errno or a signal, or null; what the model leaves open is separated by bars} */
    public @Nullable String error() {
        return error;
    }

    /**
     * {@return bytes of which the model cannot know all}
     *
     * @param data what came out
     * @param unsure for each page whether it cannot be known
     */
    public static Outcome of(byte[] data, boolean[] unsure) {
        return new Outcome(null, 0, data, unsure);
    }

    /**
     * {@return a failure}
     *
     * @param error its name
     */
    public static Outcome failed(String error) {
        return new Outcome(error, 0, NOTHING, SURE);
    }

    /**
     * {@return a failure, or that all went well}
     *
     * @param error its name, or null if there is none
     */
    public static Outcome orOk(@Nullable String error) {
        return error == null ? OK : failed(error);
    }

    /**
     * {@return a value}
     *
     * @param value what came out
     */
    public static Outcome of(long value) {
        return new Outcome(null, value, NOTHING, SURE);
    }

    /**
     * {@return bytes}
     *
     * @param data what came out
     */
    public static Outcome of(byte[] data) {
        return new Outcome(null, 0, data, SURE);
    }

    /**
     * {@return whether a real outcome is what the model, this, says}
     *
     * @param real what came out in reality
     */
    public boolean allows(Outcome real) {
        if (error != null || real.error != null) {
            return error != null
                    && real.error != null
                    && (error.equals(real.error)
                            || Arrays.asList(error.split("\\|")).contains(real.error));
        }
        if (unsure.length == 0) {
            return value == real.value && Arrays.equals(data, real.data);
        }
        int size = data.length / unsure.length;
        for (int i = 0; i < unsure.length; i++) {
            if (!unsure[i] && !Arrays.equals(data, i * size, (i + 1) * size, real.data, i * size, (i + 1) * size)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public String toString() {
        if (error != null) {
            return error;
        }
        if (data.length == 0) {
            return "0x" + Long.toHexString(value);
        }
        return data.length + " bytes 0x" + Integer.toHexString(Arrays.hashCode(data)) + first();
    }

    private String first() {
        StringBuilder text = new StringBuilder(" starting");
        for (int i = 0; i < Math.min(8, data.length); i++) {
            text.append(' ').append(Integer.toHexString(data[i] & 0xff));
        }
        return text.toString();
    }
}
