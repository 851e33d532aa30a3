package org.heteromem.core.mmu;

/** A store that has been announced and is not over, as a thread is seen that was stopped in the middle of one. */
public final class StoreUnderWay {
    private StoreUnderWay() {}

    /**
     * Announces a store.
     *
     * @param thread whose
     * @param page the page number
     */
    public static void begin(TranslatedMemory thread, long page) {
        TranslationCache.STORING.setRelease(thread, page);
    }

    /**
     * Ends it.
     *
     * @param thread whose
     */
    public static void end(TranslatedMemory thread) {
        TranslationCache.STORING.setRelease(thread, TranslationCache.NO_PAGE);
    }
}
