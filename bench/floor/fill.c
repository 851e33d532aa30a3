/* bulk (no fault) promotion bandwidth and dirty-scan cost. usage: fill mem chunkpages totalpages */
#include "common.h"

struct psa {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages, inv, mask, any, ret;
};

int main(int ac, char **av) {
    if (ac < 4) {
        USAGE("fill shm|anon CHUNK_PAGES PAGES");
    }
    int anon = !strcmp(av[1], "anon");
    size_t ch = atol(av[2]) * PS, total = atol(av[3]), len = total * PS;
    int mfd = -1;
    char *alias = 0;
    pin(0);
    if (!anon) {
        mfd = memfd_create("f", 0);
        if (ftruncate(mfd, len)) {
            DIE("ft");
        }
    }
    char *b = anon ? mmap(0, len, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : mmap(0, len, 3, MAP_SHARED, mfd, 0);
    madvise(b, len, MADV_NOHUGEPAGE);
    if (!anon) {
        alias = mmap(0, len, 3, MAP_SHARED, mfd, 0);
    }
    char *far = mmap(0, len, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(far, len, MADV_NOHUGEPAGE);
    memset(far, 3, len);
    int u = new_uffd(UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_WP_HUGETLBFS_SHMEM | UFFD_FEATURE_WP_ASYNC |
                         UFFD_FEATURE_WP_UNPOPULATED,
                     1);
    reg(u, b, len, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP | (anon ? 0 : UFFDIO_REGISTER_MODE_MINOR));
    for (int r = 0; r < 3; r++) {
        uint64_t t = now();
        for (size_t o = 0; o < len; o += ch) {
            struct uffdio_copy c = {
                .dst = (uint64_t)b + o, .src = (uint64_t)far + o, .len = ch, .mode = UFFDIO_COPY_MODE_DONTWAKE};
            if (ioctl(u, UFFDIO_COPY, &c)) {
                DIE("copy");
            }
        }
        t = now() - t;
        printf("%s chunk=%zu UFFDIO_COPY: %.0f ns/page %.2f GB/s\n", av[1], ch / PS, t / (double)total,
               len / (double)t);
        if (r == 2) { /* async dirty tracking */
            struct uffdio_writeprotect w = {.range = {(uint64_t)b, len}, .mode = 1};
            t = now();
            if (ioctl(u, UFFDIO_WRITEPROTECT, &w)) {
                DIE("wp");
            }
            printf(" WP whole range: %.1f ns/page\n", (now() - t) / (double)total);
            uint64_t s = 0;
            size_t k = 0;
            uint32_t *L = malloc(total * 4);
            for (size_t i = 0; i < total; i += 4) {
                volatile char *p = b + i * PS;
                uint64_t a = now();
                *p = 1;
                uint64_t e = now();
                L[k++] = e - a;
                s += e - a;
            }
            qsort(L, k, 4, cmpu);
            printf(" WP_ASYNC write fault: p50=%u p99=%u ns\n", L[k / 2], L[k * 99 / 100]);
            int pm = open("/proc/self/pagemap", O_RDONLY);

            struct pr {
                uint64_t s, e, c;
            } *v = malloc(total * sizeof(struct pr));

            for (int q = 0; q < 2; q++) {
                struct psa a = {.size = sizeof a,
                                .flags = 1 | 2,
                                .start = (uint64_t)b,
                                .end = (uint64_t)b + len,
                                .vec = (uint64_t)v,
                                .vec_len = total,
                                .mask = 2,
                                .ret = 2};
                t = now();
                int n = ioctl(pm, _IOWR('f', 16, struct psa), &a);
                t = now() - t;
                printf(" PAGEMAP_SCAN+reWP: %d ranges, %.1f ns/page scanned\n", n, t / (double)total);
            }
        }
        if (anon) {
            madvise(b, len, MADV_DONTNEED);
        } else {
            if (fallocate(mfd, 3, 0, len)) {
                DIE("p");
            }
        }
    }
    if (!anon) {
        for (int r = 0; r < 3; r++) {
            uint64_t t = now();
            for (size_t o = 0; o < len; o += ch) {
                memcpy(alias + o, far + o, ch);
                struct uffdio_continue c = {.range = {(uint64_t)b + o, ch}, .mode = 1};
                if (ioctl(u, UFFDIO_CONTINUE, &c)) {
                    DIE("cont");
                }
            }
            t = now() - t;
            printf("shm chunk=%zu alias memcpy(first touch)+CONTINUE: %.0f ns/page %.2f GB/s\n", ch / PS,
                   t / (double)total, len / (double)t);
            madvise(b, len, MADV_DONTNEED);
            t = now();
            for (size_t o = 0; o < len; o += ch) {
                struct uffdio_continue c = {.range = {(uint64_t)b + o, ch}, .mode = 1};
                if (ioctl(u, UFFDIO_CONTINUE, &c)) {
                    DIE("cont");
                }
            }
            t = now() - t;
            printf("shm chunk=%zu CONTINUE only: %.0f ns/page %.2f GB/s\n", ch / PS, t / (double)total,
                   len / (double)t);
            if (fallocate(mfd, 3, 0, len)) {
                DIE("p");
            }
            t = now();
            for (size_t o = 0; o < len; o += ch) {
                if (pwrite(mfd, far + o, ch, o) != (ssize_t)ch) {
                    DIE("pw");
                }
                struct uffdio_continue c = {.range = {(uint64_t)b + o, ch}, .mode = 1};
                if (ioctl(u, UFFDIO_CONTINUE, &c)) {
                    DIE("cont");
                }
            }
            t = now() - t;
            printf("shm chunk=%zu pwrite+CONTINUE: %.0f ns/page %.2f GB/s\n", ch / PS, t / (double)total,
                   len / (double)t);
            if (fallocate(mfd, 3, 0, len)) {
                DIE("p");
            }
        }
    }
    return 0;
}
