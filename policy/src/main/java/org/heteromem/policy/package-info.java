/** Policies: what moves where and when, chosen by name. They see counters, never locks or page tables. */
@NullMarked
package org.heteromem.policy;

import org.jspecify.annotations.NullMarked;
