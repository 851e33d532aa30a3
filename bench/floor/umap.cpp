/* The rival: latency of a fault in UMap (https://github.com/LLNL/umap), a build of which is given by path.
 * usage: umap CHUNK_PAGES CHUNKS
 * A file in memory is mapped by umap() for reading and each chunk is touched once, in random order. One process, one
 * measurement: uunmap() leaves the mapping where it is. Placement is whoever starts it's (taskset). */
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>
#include <string>
#include <sys/mman.h>
#include <time.h>
#include <umap/umap.h>
#include <unistd.h>
#include <vector>

static const size_t PAGE = 4096;

static uint64_t now() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static double at(const std::vector<uint64_t> &sorted, double part) {
    return sorted[std::min(sorted.size() - 1, (size_t)(part * sorted.size()))] / 1e3;
}

int main(int count, char **arguments) {
    if (count != 3 || atol(arguments[1]) < 1 || atol(arguments[2]) < 1) {
        fprintf(stderr, "usage: umap CHUNK_PAGES CHUNKS\n");
        return 2;
    }
    size_t chunk = atol(arguments[1]) * PAGE;
    size_t chunks = atol(arguments[2]);
    size_t bytes = chunk * chunks;
    int file = memfd_create("umap", 0);
    if (file < 0 || ftruncate(file, bytes)) {
        perror("memfd_create");
        return 1;
    }
    std::vector<uint64_t> filled(chunk / 8);
    for (size_t i = 0; i < chunks; i++) {
        std::fill(filled.begin(), filled.end(), i + 1);
        if (pwrite(file, filled.data(), chunk, i * chunk) != (ssize_t)chunk) {
            perror("pwrite");
            return 1;
        }
    }
    // Read at the first use of the library. With a buffer for all of it nothing is evicted meanwhile.
    setenv("UMAP_PAGESIZE", std::to_string(chunk).c_str(), 1);
    setenv("UMAP_BUFSIZE", std::to_string(2 * chunks + 1024).c_str(), 1);
    char *base = (char *)umap(nullptr, bytes, PROT_READ, UMAP_PRIVATE, file, 0);
    if (base == UMAP_FAILED) {
        fprintf(stderr, "umap() failed\n");
        return 1;
    }
    std::vector<size_t> order(chunks);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), std::mt19937_64(20261122));
    std::vector<uint64_t> latency(chunks);
    for (size_t i = 0; i < chunks; i++) {
        volatile uint64_t *word = (uint64_t *)(base + order[i] * chunk);
        uint64_t before = now();
        uint64_t found = *word;
        latency[i] = now() - before;
        if (found != order[i] + 1) {
            fprintf(stderr, "chunk %zu holds %llu\n", order[i], (unsigned long long)found);
            return 1;
        }
    }
    std::sort(latency.begin(), latency.end());
    printf("umap chunk=%zu chunks=%zu: p50=%.2fus p99=%.2fus p99.9=%.2fus\n", chunk, chunks, at(latency, 0.5),
           at(latency, 0.99), at(latency, 0.999));
    fflush(stdout);
    // Its threads are not waited for.
    _exit(0);
}
