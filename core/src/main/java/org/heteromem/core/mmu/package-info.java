/**
 * How page-table changes reach what executes: the port, and a software MMU of threads with translation caches.
 *
 * <pre>
 *   page table change ──► Mmu.revoke / stopWriters / drop ──► every TranslationCache of the process
 *   load, store       ──► TranslatedMemory: hit, or refill from the table it belongs to
 * </pre>
 */
@NullMarked
package org.heteromem.core.mmu;

import org.jspecify.annotations.NullMarked;
