package org.heteromem.proof.op;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Steps as lines of text, and back: the name of the step, then its numbers and words in order. */
public final class OpText {
    private static final Map<String, Class<?>> KINDS = Stream.of(Op.class.getPermittedSubclasses())
            .flatMap(kind -> kind.isInterface() ? Stream.of(kind.getPermittedSubclasses()) : Stream.of(kind))
            .collect(Collectors.toUnmodifiableMap(Class::getSimpleName, kind -> kind));

    private OpText() {}

    /** {@return the names of all kinds of steps, sorted} */
    public static List<String> names() {
        return KINDS.keySet().stream().sorted().toList();
    }

    /**
     * {@return a step as one line}
     *
     * @param op a step
     */
    public static String format(Op op) {
        StringBuilder line = new StringBuilder(op.getClass().getSimpleName());
        try {
            for (RecordComponent part : op.getClass().getRecordComponents()) {
                line.append(' ').append(part.getAccessor().invoke(op));
            }
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("a step is a record with public accessors: " + op, e);
        }
        return line.toString();
    }

    /**
     * {@return the steps of a text, one a line; empty lines and what follows # mean nothing}
     *
     * @param text the lines
     * @throws IllegalArgumentException naming the line that is no step
     */
    public static List<Op> parse(String text) {
        List<Op> ops = new ArrayList<>();
        text.lines()
                .map(line -> line.replaceFirst("#.*", "").strip())
                .filter(line -> !line.isEmpty())
                .forEach(line -> ops.add(parseLine(line)));
        return ops;
    }

    private static Op parseLine(String line) {
        String[] words = line.split("\\s+", -1);
        Class<?> kind = KINDS.get(words[0]);
        if (kind == null) {
            throw new IllegalArgumentException("no step is called '" + words[0] + "'; there are " + names());
        }
        RecordComponent[] parts = kind.getRecordComponents();
        if (words.length != parts.length + 1) {
            throw new IllegalArgumentException("'" + line + "' needs " + Arrays.toString(parts));
        }
        Object[] values = new Object[parts.length];
        Class<?>[] types = new Class<?>[parts.length];
        for (int i = 0; i < parts.length; i++) {
            types[i] = parts[i].getType();
            values[i] = value(types[i], words[i + 1]);
        }
        try {
            return (Op) kind.getDeclaredConstructor(types).newInstance(values);
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException("'" + line + "' is not a step", e);
        }
    }

    private static Object value(Class<?> type, String word) {
        if (type == int.class) {
            return Integer.parseInt(word);
        }
        if (type == long.class) {
            return Long.parseLong(word);
        }
        if (type == boolean.class) {
            return Boolean.parseBoolean(word);
        }
        for (Object constant : type.getEnumConstants()) {
            if (((Enum<?>) constant).name().equals(word)) {
                return constant;
            }
        }
        throw new IllegalArgumentException("'" + word + "' is none of " + Arrays.toString(type.getEnumConstants()));
    }
}
