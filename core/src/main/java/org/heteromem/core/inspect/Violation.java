package org.heteromem.core.inspect;

/**
 * Something that must never be seen at a quiet point.
 *
 * @param rule which rule is broken
 * @param detail where, by which frame, page or process, and what was found instead of what
 */
public record Violation(Rule rule, String detail) {
    @Override
    public String toString() {
        return rule + ": " + detail;
    }
}
