package org.heteromem.cli.conform;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The operations of a scenario, with the shape of their arguments: a word for each, {@code range} for two ({@code A+0 6}).
 * A shape in brackets may be left out; {@code ...} takes whatever follows.
 */
enum Operation {
    FORK("fork", "new-task"),
    EXIT("exit", ""),
    MAP("map", "new-area count ..."),
    UNMAP("unmap", "range"),
    PROTECT("protect", "range protection"),
    REMAP("remap", "range new-area [dontunmap]"),
    ADVISE("advise", "range word"),
    LOCK("lock", "range"),
    UNLOCK("unlock", "range"),
    READ("read", "range"),
    WRITE("write", "range value"),
    FILL("fill", "range value"),
    PEEK("peek", "range"),
    POKE("poke", "range value"),
    SNAP("snap", "device range"),
    DEV_READ("dev-read", "device range"),
    DEV_WRITE("dev-write", "device range value"),
    TO_DEV("to-dev", "device range"),
    TO_RAM("to-ram", "device range"),
    EXCL("excl", "device range"),
    CHECK_EXCL("check-excl", "device range"),
    EVICT("evict", "device"),
    CLOSE("close", "device"),
    FAIL_ALLOC("fail-alloc", "device"),
    PAGEMAP("pagemap", "range"),
    RSS("rss", "area"),
    MINCORE("mincore", "range"),
    HOLD("hold", "word range"),
    UNHOLD("unhold", "word"),
    PIN("pin", "word range access"),
    PIN_READ("pin-read", "word"),
    UNPIN("unpin", "word"),
    GET("get", "range access"),
    PIN_LONG_BRIEF("pin-long-brief", "range access"),
    FILE("file", "word count"),
    TRUNCATE("truncate", "word count"),
    PUNCH("punch", "word count count"),
    PWRITE("pwrite", "word count count value"),
    PREAD("pread", "word count count"),
    MBIND("mbind", "range word word ..."),
    SET_MEMPOLICY("set-mempolicy", "word word"),
    WHERE("where", "range"),
    MOVE_TO("move-to", "range count"),
    MIGRATE_PAGES("migrate-pages", "word word");

    private static final Map<String, Operation> BY_TEXT = new HashMap<>();

    static {
        for (Operation operation : values()) {
            BY_TEXT.put(operation.text, operation);
        }
    }

    private final String text;
    private final String shape;

    Operation(String text, String shape) {
        this.text = text;
        this.shape = shape;
    }

    /** {@return the operation of a name, or null} */
    static @Nullable Operation of(String text) {
        return BY_TEXT.get(text);
    }

    /** {@return the name} */
    String text() {
        return text;
    }

    /** {@return the shape of the arguments} */
    List<String> shape() {
        return shape.isEmpty() ? List.of() : List.of(shape.split(" "));
    }
}
