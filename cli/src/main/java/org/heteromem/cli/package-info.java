/**
 * The {@code heteromem} command line.
 *
 * <pre>
 *   heteromem ARGS ──► CommandTree (picocli) ──► command.SomethingCommand ──► exit code
 *                          │  bad arguments           │ throws
 *                          └────────► Failures ◄──────┘   one line on stderr, or a stack trace for a bug
 * </pre>
 *
 * <p>A sub-command is a small class in {@link org.heteromem.cli.command}, named in {@link
 * org.heteromem.cli.Heteromem}'s annotation. It prints results on standard output and everything else on standard
 * error, and says what went wrong by throwing: {@link org.heteromem.cli.BadInputException} for what the user can
 * correct, any other exception for what is ours to correct.
 */
@NullMarked
package org.heteromem.cli;

import org.jspecify.annotations.NullMarked;
