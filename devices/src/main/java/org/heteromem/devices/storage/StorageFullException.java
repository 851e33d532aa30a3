package org.heteromem.devices.storage;

/** A page does not fit any more. It stays where it is. */
public final class StorageFullException extends StorageException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes the error.
     *
     * @param store the name of the store
     * @param offset the first page that was not stored
     * @param used bytes in use
     * @param capacity bytes there are
     */
    public StorageFullException(String store, long offset, long used, long capacity) {
        super(
                store,
                offset,
                "full, " + used + " of " + capacity
                        + " bytes in use; give the device more, or put a slower device behind it",
                null);
    }

    /**
     * Makes the error for a store that others fill too.
     *
     * @param store the name of the store
     * @param offset the first page that was not stored
     * @param reason who says so, and what to do
     * @param cause what the system said
     */
    public StorageFullException(String store, long offset, String reason, Throwable cause) {
        super(store, offset, reason, cause);
    }
}
