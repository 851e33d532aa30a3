package org.heteromem.live.daemon;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.heteromem.devices.storage.StorageSpec;

/**
 * Which devices a client has, from its first page to its last: what its daemon was told when it came. A successor may have
 * been told something else. That is for new clients; the pages of an old one are where its devices are, in their order.
 *
 * @param overflow fastest first; files are those of this client, and absolute
 * @param computing devices that compute, at most one
 */
record ClientDevices(List<StorageSpec> overflow, List<ComputeDevice> computing) {
    /** None. */
    static final ClientDevices NONE = new ClientDevices(List.of(), List.of());

    /** Not to be changed. */
    ClientDevices {
        overflow = List.copyOf(overflow);
        computing = List.copyOf(computing);
    }

    /**
     * {@return what a new client gets}
     *
     * @param number the client's
     * @throws IllegalArgumentException if the options name what is no device
     */
    static ClientDevices of(DaemonOptions options, long number) {
        return new ClientDevices(
                options.overflow().stream()
                        .map(StorageSpec::parse)
                        .map(given -> ofClient(given, options.owner() == 0 ? "." + number : ""))
                        .toList(),
                options.devices().stream().map(ComputeDevice::parse).toList());
    }

    private static StorageSpec ofClient(StorageSpec given, String suffix) {
        return given.kind() == StorageSpec.Kind.FILE
                ? new StorageSpec(
                        given.kind(),
                        Path.of(given.detail() + suffix).toAbsolutePath().toString(),
                        given.bytes())
                : given;
    }

    /** {@return what {@link #lines} said} */
    static ClientDevices parse(List<String> lines) {
        List<StorageSpec> overflow = new ArrayList<>();
        List<ComputeDevice> computing = new ArrayList<>();
        for (String line : lines) {
            if (line.startsWith(ComputeDevice.NAME + ":")) {
                computing.add(ComputeDevice.parse(line));
            } else {
                overflow.add(StorageSpec.parse(line));
            }
        }
        return new ClientDevices(overflow, computing);
    }

    /** {@return one line for each, in their order} */
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        overflow.forEach(device -> lines.add(device.text()));
        computing.forEach(device -> lines.add(device.text()));
        return lines;
    }

    /** {@return the files that some of them are} */
    List<Path> files() {
        return overflow.stream()
                .filter(device -> device.kind() == StorageSpec.Kind.FILE)
                .map(device -> Path.of(device.detail()))
                .toList();
    }
}
