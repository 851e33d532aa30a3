/** The {@code heteromem} command: one class here per concern, one class per sub-command in {@code command}. */
@NullMarked
package org.heteromem.cli;

import org.jspecify.annotations.NullMarked;
