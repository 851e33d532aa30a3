package org.heteromem.devices.storage;

/** What is stored for a page is not what was written, or nothing: the contents are gone. */
public final class CorruptPageException extends StorageException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes the error.
     *
     * @param store the name of the store
     * @param offset the page
     * @param reason what is wrong with it
     */
    public CorruptPageException(String store, long offset, String reason) {
        super(store, offset, "the page's contents are gone: " + reason, null);
    }
}
