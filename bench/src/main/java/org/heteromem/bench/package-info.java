/** Benchmarks, each in the same run as the floor or the rival that it is measured against. */
@NullMarked
package org.heteromem.bench;

import org.jspecify.annotations.NullMarked;
