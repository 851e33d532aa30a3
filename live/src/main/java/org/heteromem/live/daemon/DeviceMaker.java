package org.heteromem.live.daemon;

import java.util.ArrayList;
import java.util.List;
import org.heteromem.core.AddressSpace;
import org.heteromem.core.MemoryManager;
import org.heteromem.devices.accelerator.HostMemory;
import org.heteromem.devices.storage.FaultAround;
import org.heteromem.devices.storage.StorageBuffers;
import org.heteromem.devices.storage.StorageDevice;
import org.heteromem.devices.storage.StorageDevices;
import org.heteromem.devices.storage.StorageOptions;
import org.heteromem.devices.storage.StorageSpec;
import org.heteromem.live.wire.ErrorCode;
import org.jspecify.annotations.Nullable;

/** Makes the devices of clients, as the daemon was told, and takes them away. Thread-safe. */
final class DeviceMaker {
    private final DaemonOptions options;
    private final MemoryManager manager;
    /** Of the devices of all clients. */
    private final StorageBuffers buffers = new StorageBuffers();

    DeviceMaker(DaemonOptions options, MemoryManager manager) {
        this.options = options;
        this.manager = manager;
    }

    /** Says which devices a new client gets. */
    ClientDevices of(long client) {
        try {
            return ClientDevices.of(options, client);
        } catch (IllegalArgumentException e) {
            throw noDevices(client, e);
        }
    }

    private static RefusedException noDevices(long client, RuntimeException why) {
        return new RefusedException(ErrorCode.NO_DEVICE, "overflow for client " + client + ": " + why.getMessage());
    }

    /** Makes the overflow devices of a client, fastest first; all of them or none. */
    List<StorageDevice> overflow(long client, List<StorageSpec> specs, OverflowFiles files, DurableMemory memory) {
        List<StorageDevice> made = new ArrayList<>();
        try {
            for (StorageSpec spec : specs) {
                StorageOptions plain = StorageOptions.defaults()
                        .withName(deviceName(spec, made))
                        .withBuffers(buffers);
                StorageOptions storage = options.faultAround() == 0
                        ? plain
                        : plain.withFaultAround(FaultAround.fixed(options.faultAround()));
                made.add(files.open(spec, () -> StorageDevices.create(manager, spec, memory, storage)));
                files.reserve(spec);
            }
            return made;
        } catch (RuntimeException e) {
            RefusedException refusal = noDevices(client, e);
            try {
                remove(made);
                files.giveBackRoom();
            } catch (RuntimeException again) {
                refusal.addSuppressed(again);
            }
            throw refusal;
        }
    }

    /** Makes the device of a client that computes, or null if clients have none. */
    @Nullable
    Computing computing(
            long client,
            List<ComputeDevice> specs,
            AddressSpace space,
            DurableMemory memory,
            HostMemory ram,
            Computing.Answers answers) {
        if (specs.isEmpty()) {
            return null;
        }
        return new Computing(
                manager,
                space,
                specs.getFirst(),
                memory,
                ram,
                new Kernels(options.kernels()),
                Long.toString(client),
                answers);
    }

    /** Its kind, such that no two of a client have the same name, and none that of RAM. */
    private static String deviceName(StorageSpec spec, List<StorageDevice> others) {
        String kind =
                spec.kind() == StorageSpec.Kind.RAM ? "slow-ram" : spec.kind().label();
        long alike = others.stream()
                .filter(other -> other.name().equals(kind) || other.name().startsWith(kind + '-'))
                .count();
        return alike == 0 ? kind : kind + '-' + (alike + 1);
    }

    /** All of them, when nobody moves their pages any more, and what they have open: the daemon goes on without. */
    void remove(List<StorageDevice> devices) {
        RuntimeException failure = null;
        for (StorageDevice device : devices) {
            try {
                manager.removeDevice(device.memory());
                manager.closeStore(device.memory());
            } catch (RuntimeException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
