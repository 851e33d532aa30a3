package org.heteromem.cli.workload;

/**
 * Lloyd's k-means on points drawn around seeded centres: the accelerator assigns each point to its nearest centroid,
 * the CPU moves the centroids to the means of their points.
 */
final class KMeans implements Workload {
    @Override
    public String name() {
        return "kmeans";
    }

    @Override
    public String summary() {
        return "Lloyd's clustering: accelerator assigns points to centroids, CPU moves the centroids";
    }

    @Override
    public FileUse fileUse() {
        return FileUse.NONE;
    }

    @Override
    public WorkloadJob prepare(WorkloadInput input) {
        input.refuseFile(name());
        return new KMeansJob(KMeansJob.pointsIn(input.workingSetBytes()), input.seed());
    }
}
