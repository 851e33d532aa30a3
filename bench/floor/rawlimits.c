/* physical limits of this VM: memcpy bandwidth, plain minor faults, syscalls, thread handoff */
#include "common.h"

static double bw(int th, size_t sz, int reps) { /* th threads copy disjoint halves */
    static char *a, *b;
    if (!a) {
        a = mmap(0, 512 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        b = mmap(0, 512 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        madvise(a, 512 << 20, MADV_NOHUGEPAGE);
        madvise(b, 512 << 20, MADV_NOHUGEPAGE);
        memset(a, 1, 512 << 20);
        memset(b, 2, 512 << 20);
    }
    double best = 0;
    for (int r = 0; r < reps; r++) {
        uint64_t t = now();
        int p[2];
        (void)p;
        pthread_t t2;

        struct w {
            char *d, *s;
            size_t n;
        } W = {b + sz / 2, a + sz / 2, sz / 2};

        void *f(void *x) {
            pin(1);
            struct w *w = x;
            memcpy(w->d, w->s, w->n);
            return 0;
        }
        if (th == 2) {
            pthread_create(&t2, 0, f, &W);
            memcpy(b, a, sz / 2);
            pthread_join(t2, 0);
        } else {
            memcpy(b, a, sz);
        }
        double g = sz / (double)(now() - t);
        if (g > best) {
            best = g;
        }
    }
    return best;
}

static uint32_t L[1 << 20];

static void st(const char *n, size_t k) {
    qsort(L, k, 4, cmpu);
    double s = 0;
    for (size_t i = 0; i < k; i++) {
        s += L[i];
    }
    printf("%s: p50=%u p99=%u mean=%.0f min=%u ns\n", n, L[k / 2], L[k * 99 / 100], s / k, L[0]);
}

static int efd1, efd2;

static void *pong(void *x) {
    pin((long)x);
    uint64_t v;
    for (;;) {
        if (read(efd1, &v, 8) != 8) {
            return 0;
        }
        v = 1;
        if (write(efd2, &v, 8) != 8) {
            return 0;
        }
    }
}

int main(void) {
    pin(0);
    size_t n = 1 << 16;
    for (size_t i = 0; i < n; i++) {
        uint64_t t = now();
        L[i] = now() - t;
    }
    st("clock_gettime pair", n);
    for (size_t i = 0; i < n; i++) {
        uint64_t t = now();
        syscall(SYS_getppid);
        L[i] = now() - t;
    }
    st("getppid syscall", n);
    char *m = mmap(0, n * PS, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(m, n * PS, MADV_NOHUGEPAGE);
    for (int r = 0; r < 3; r++) {
        madvise(m, n * PS, MADV_DONTNEED);
        for (size_t i = 0; i < n; i++) {
            volatile char *p = m + i * PS;
            uint64_t t = now();
            *p = 1;
            L[i] = now() - t;
        }
        st("ordinary anon write fault (zero-fill 4K)", n);
    }
    int f = memfd_create("l", 0);
    if (ftruncate(f, n * PS)) {
        return 1;
    }
    char *s = mmap(0, n * PS, 3, MAP_SHARED, f, 0);
    for (size_t i = 0; i < n; i++) {
        volatile char *p = s + i * PS;
        uint64_t t = now();
        *p = 1;
        L[i] = now() - t;
    }
    st("memfd first-touch fault (alloc+zero)", n);
    for (int r = 0; r < 3; r++) {
        madvise(s, n * PS, MADV_DONTNEED);
        madvise(s, n * PS, MADV_RANDOM);
        for (size_t i = 0; i < n; i++) {
            volatile char *p = s + ((i * 40503) % n) * PS;
            uint64_t t = now();
            (void)*p;
            L[i] = now() - t;
        }
        st("memfd minor fault (page in cache; faultaround incl.)", n);
    }
    for (int r = 0; r < 2; r++) {
        madvise(s, n * PS, MADV_DONTNEED);
        for (size_t i = 0; i < n; i++) {
            volatile char *p = s + ((i * 40503) % n) * PS;
            uint64_t t = now();
            *p = 1;
            L[i] = now() - t;
        }
        st("memfd minor WRITE fault (page in cache)", n);
    }
    char *q = malloc(n * PS);
    memset(q, 1, n * PS);
    for (size_t i = 0; i < n; i++) {
        size_t o = ((i * 40503) % n) * PS;
        uint64_t t = now();
        memcpy(s + o, q + o, PS);
        L[i] = now() - t;
    }
    st("memcpy 4K random (both mapped)", n);
    for (size_t i = 0; i < n / 16; i++) {
        size_t o = ((i * 40503) % (n / 16)) * PS * 16;
        uint64_t t = now();
        memcpy(s + o, q + o, 16 * PS);
        L[i] = now() - t;
    }
    st("memcpy 64K random (both mapped)", n / 16);
    for (int c = 0; c < 2; c++) {
        efd1 = eventfd(0, 0);
        efd2 = eventfd(0, 0);
        pthread_t t;
        pthread_create(&t, 0, pong, (void *)(long)c);
        usleep(10000);
        for (size_t i = 0; i < 20000; i++) {
            uint64_t v = 1, a = now();
            if (write(efd1, &v, 8) != 8 || read(efd2, &v, 8) != 8) {
                return 1;
            }
            L[i] = now() - a;
        }
        st(c ? "eventfd ping-pong round trip, other CPU" : "eventfd ping-pong round trip, same CPU", 20000);
    }
    struct fm x, y;
    uint64_t w = now();
    fm_read(&x);
    printf("memcpy 1 thread: 64MiB %.2f GB/s, 256MiB %.2f GB/s\n", bw(1, 64 << 20, 8), bw(1, 256 << 20, 5));
    printf("memcpy 2 threads: 64MiB %.2f GB/s, 256MiB %.2f GB/s\n", bw(2, 64 << 20, 8), bw(2, 256 << 20, 5));
    fm_read(&y);
    printf("busy=%.2fcpu\n", (y.busy - x.busy) / 100.0 / ((now() - w) / 1e9));
    return 0;
}
