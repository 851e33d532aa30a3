/**
 * The sub-commands, one small class each.
 *
 * <p>A command reads its options, calls the library and prints. Example:
 *
 * <pre>{@code
 * @Command(name = "policies", mixinStandardHelpOptions = true, description = "Lists the policies.")
 * public final class PoliciesCommand implements Callable<Integer> {
 *     @Spec
 *     private CommandSpec spec;
 *
 *     @Override
 *     public Integer call() {
 *         PrintWriter out = spec.commandLine().getOut();
 *         ...
 *         return ExitCode.OK;
 *     }
 * }
 * }</pre>
 */
@NullMarked
package org.heteromem.cli.command;

import org.jspecify.annotations.NullMarked;
