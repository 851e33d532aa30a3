package org.heteromem.devices.storage;

import org.jspecify.annotations.Nullable;

/** What a store could not do with a page. */
public abstract sealed class StorageException extends RuntimeException
        permits StorageFullException, CorruptPageException, StorageIoException {
    private static final long serialVersionUID = 1L;

    private final String store;
    private final long offset;

    StorageException(String store, long offset, String message, @Nullable Throwable cause) {
        super("device '" + store + "', offset 0x" + Long.toHexString(offset) + ": " + message, cause);
        this.store = store;
        this.offset = offset;
    }

    /** {@return the name of the store} */
    public String store() {
        return store;
    }

    /** {@return the offset of the first page that could not be read or written} */
    public long offset() {
        return offset;
    }
}
