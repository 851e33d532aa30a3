package org.heteromem.devices.storage;

/** The medium failed; a later try may succeed. */
public final class StorageIoException extends StorageException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes the error.
     *
     * @param store the name of the store
     * @param offset the first page concerned
     * @param reason what was tried, on what, and what to do
     * @param cause what the system said
     */
    public StorageIoException(String store, long offset, String reason, Throwable cause) {
        super(store, offset, reason, cause);
    }
}
