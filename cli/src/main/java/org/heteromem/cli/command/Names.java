package org.heteromem.cli.command;

import java.util.ArrayList;
import java.util.Arrays;
import org.heteromem.cli.run.DeviceType;
import org.heteromem.cli.workload.Workload;
import org.heteromem.cli.workload.Workloads;
import org.heteromem.core.policy.PlacementPolicy;
import org.heteromem.core.policy.VictimPolicy;
import org.heteromem.devices.storage.StorageSpec;
import org.heteromem.policy.Policies;

/** What a shell offers for an argument; made by picocli. */
final class Names {
    private Names() {}

    /** Names of workloads. */
    static final class OfWorkloads extends ArrayList<String> {
        private static final long serialVersionUID = 1;

        OfWorkloads() {
            super(Workloads.all().stream().map(Workload::name).toList());
        }
    }

    /** Names of placement policies. */
    static final class OfPolicies extends ArrayList<String> {
        private static final long serialVersionUID = 1;

        OfPolicies() {
            super(Policies.placements().stream().map(PlacementPolicy::name).toList());
        }
    }

    /** Names of victim policies. */
    static final class OfVictims extends ArrayList<String> {
        private static final long serialVersionUID = 1;

        OfVictims() {
            super(Policies.victims().stream().map(VictimPolicy::name).toList());
        }
    }

    /** Names of kinds of devices. */
    static final class OfDevices extends ArrayList<String> {
        private static final long serialVersionUID = 1;

        OfDevices() {
            super(DeviceType.all().stream().map(DeviceType::label).toList());
        }
    }

    /** Kinds of devices for what does not fit in RAM. */
    static final class OfOverflow extends ArrayList<String> {
        private static final long serialVersionUID = 1;

        OfOverflow() {
            super(Arrays.stream(StorageSpec.Kind.values())
                    .map(StorageSpec.Kind::label)
                    .toList());
        }
    }
}
