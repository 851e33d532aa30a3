package org.heteromem.live.daemon;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.heteromem.devices.storage.StorageDevice;
import org.heteromem.devices.storage.StorageSpec;
import org.heteromem.live.natives.Errno;
import org.heteromem.live.natives.NativeException;
import org.heteromem.live.natives.NativeFile;

/**
 * The files of a client's overflow devices. Each client of a daemon that serves many has its own, beside the name that was
 * given, and it is removed when the client has left. Their room on the disk is taken when the client comes, so that no page
 * meets a full disk later. Used by the session's thread.
 */
final class OverflowFiles implements AutoCloseable {
    private final long number;
    private final Log log;
    private final List<Path> own = new CopyOnWriteArrayList<>();
    /** Open for as long as the device: closing a second descriptor of a file would give up the device's lock on it. */
    private final List<NativeFile> reserved = new ArrayList<>();

    /**
     * Of a client.
     *
     * @param number the client's, or 0 if there is only one and the files are to stay
     */
    OverflowFiles(long number, Log log) {
        this.number = number;
        this.log = log;
    }

    /** The files that go with the client. */
    List<Path> own() {
        return own;
    }

    /** What a device of this client is: its file is its own. */
    StorageSpec specOf(StorageSpec given) {
        return number == 0 || given.kind() != StorageSpec.Kind.FILE
                ? given
                : new StorageSpec(given.kind(), given.detail() + '.' + number, given.bytes());
    }

    /** Makes a device of {@link #specOf}; one that cannot be made leaves no file behind that was not there before. */
    StorageDevice open(StorageSpec spec, Supplier<StorageDevice> maker) {
        if (spec.kind() != StorageSpec.Kind.FILE) {
            return maker.get();
        }
        Path path = Path.of(spec.detail());
        boolean fresh = Files.notExists(path);
        try {
            StorageDevice made = maker.get();
            if (number != 0) {
                own.add(path);
            }
            return made;
        } catch (RuntimeException e) {
            if (fresh) {
                remove(path);
            }
            throw e;
        }
    }

    /**
     * Takes the room that a device needs on its disk. A file system that cannot do that gives it when it is written.
     *
     * @throws NativeException ENOSPC if there is not so much
     */
    void reserve(StorageSpec spec) {
        if (spec.kind() != StorageSpec.Kind.FILE) {
            return;
        }
        NativeFile file = NativeFile.open(Path.of(spec.detail()), Set.of(NativeFile.Access.WRITE));
        reserved.add(file);
        try {
            file.preallocate(0, file.status().sizeBytes());
        } catch (NativeException e) {
            if (e.errno() != Errno.EOPNOTSUPP) {
                throw e;
            }
        }
    }

    private void remove(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            log.line("the overflow file " + file + " could not be removed: " + e);
        }
    }

    /** After the devices have been removed. */
    @Override
    public void close() {
        reserved.forEach(NativeFile::close);
        own.forEach(this::remove);
    }
}
