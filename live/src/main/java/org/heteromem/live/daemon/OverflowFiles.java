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
    /** What a predecessor has made: pages are in them. */
    private final List<Path> inherited = new ArrayList<>();
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

    /** {@return those that will, of what it is to have; {@link #own} in the end} */
    List<Path> ofClient(ClientDevices devices) {
        return number == 0 ? List.of() : devices.files();
    }

    /** Takes over those that a predecessor has made: they go with the client too, even if they cannot be opened. */
    void inherit(ClientDevices devices) {
        devices.files().forEach(this::add);
        inherited.addAll(devices.files());
    }

    private void add(Path path) {
        if (number != 0 && !own.contains(path)) {
            own.add(path);
        }
    }

    /** Makes a device of this client; one that cannot be made leaves no file behind that was not there before. */
    StorageDevice open(StorageSpec spec, Supplier<StorageDevice> maker) {
        if (spec.kind() != StorageSpec.Kind.FILE) {
            return maker.get();
        }
        Path path = Path.of(spec.detail());
        if (inherited.contains(path) && Files.notExists(path)) {
            // Its disk may not be mounted yet. A new file would have none of the pages.
            throw new IllegalStateException("the file " + path + ", which holds pages of it, is not there");
        }
        boolean fresh = Files.notExists(path);
        try {
            StorageDevice made = maker.get();
            add(path);
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

    /** The devices could not all be made, and those that were have been removed. */
    void giveBackRoom() {
        reserved.forEach(NativeFile::close);
        reserved.clear();
    }

    /** After the devices have been removed. */
    @Override
    public void close() {
        giveBackRoom();
        own.forEach(this::remove);
    }
}
