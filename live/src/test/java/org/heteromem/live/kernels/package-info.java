/** Kernels for tests of launches on live memory, and a program that checks every value it reads beside them. */
@NullMarked
package org.heteromem.live.kernels;

import org.jspecify.annotations.NullMarked;
