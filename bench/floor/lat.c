/* userfault latency lower bounds. usage: lat mem(anon|shm) handler(thread|proc|sigbus)
 * mode(missing|minor|fillcont|pwcont|wp) chunkpages nchunks wait(read|poll|spin) pin(diff|same|none) clients repeats
 * [seq] */
#include "common.h"
static char *mem, *hand, *mode, *waitm, *pinm;
static int chunk, clients, reps, seq;
static size_t n, len;
static char *base, *far, *alias;
static int ufd, mfd = -1;
static volatile int stop;

static int is(const char *a, const char *b) {
    return !strcmp(a, b);
}

static uint32_t *perm;
static uint32_t *lat;
static size_t csz;

static inline void resolve(uint64_t addr, uint64_t flags) {
    uint64_t a = addr & ~(csz - 1);
    size_t off = a - (uint64_t)base;
    if (flags & UFFD_PAGEFAULT_FLAG_WP) {
        struct uffdio_writeprotect w = {.range = {a, csz}, .mode = 0};
        if (ioctl(ufd, UFFDIO_WRITEPROTECT, &w)) {
            DIE("unWP");
        }
        return;
    }
    if (flags & UFFD_PAGEFAULT_FLAG_MINOR) {
        struct uffdio_continue c = {.range = {a, csz}};
        if (ioctl(ufd, UFFDIO_CONTINUE, &c) && errno != EEXIST) {
            DIE("CONTINUE");
        }
        return;
    }
    if (is(mode, "missing")) {
        struct uffdio_copy c = {.dst = a, .src = (uint64_t)far + off, .len = csz};
        if (ioctl(ufd, UFFDIO_COPY, &c) && errno != EEXIST) {
            DIE("COPY");
        }
        return;
    }
    if (is(mode, "zero")) {
        struct uffdio_zeropage c = {.range = {a, csz}};
        if (ioctl(ufd, UFFDIO_ZEROPAGE, &c) && errno != EEXIST) {
            DIE("ZERO");
        }
        return;
    }
    if (is(mode, "fillcont")) {
        memcpy(alias + off, far + off, csz);
    } else if (is(mode, "pwcont")) {
        if (pwrite(mfd, far + off, csz, off) != (ssize_t)csz) {
            DIE("pwrite");
        }
    }
    struct uffdio_continue c = {.range = {a, csz}};
    if (ioctl(ufd, UFFDIO_CONTINUE, &c) && errno != EEXIST) {
        DIE("CONTINUE2");
    }
}

static void sb(int s, siginfo_t *i, void *x) {
    resolve((uint64_t)i->si_addr, 0);
}

static void *handler(void *x) {
    if (is(pinm, "diff")) {
        pin(1);
    } else if (is(pinm, "same")) {
        pin(0);
    }
    struct uffd_msg m[16];
    for (;;) {
        if (is(waitm, "poll")) {
            struct pollfd p = {ufd, POLLIN, 0};
            poll(&p, 1, -1);
        }
        ssize_t r = read(ufd, m, is(waitm, "read") ? sizeof m[0] : sizeof m);
        if (r < 0) {
            if (errno == EAGAIN) {
                if (stop) {
                    return 0;
                }
                continue;
            }
            if (errno == EINTR) {
                continue;
            }
            DIE("read");
        }
        if (r == 0) {
            return 0;
        }
        for (int i = 0; i < (int)(r / sizeof m[0]); i++) {
            resolve(m[i].arg.pagefault.address, m[i].arg.pagefault.flags);
        }
    }
}

static pthread_barrier_t bar;

struct cl {
    int id;
    size_t lo, hi;
    uint64_t t0, t1;
};

static void *client(void *x) {
    struct cl *c = x;
    if (is(pinm, "diff") || is(pinm, "same")) {
        pin(clients > 1 ? c->id & 1 : 0);
    }
    int wr = is(mode, "wp");
    pthread_barrier_wait(&bar);
    c->t0 = now();
    for (size_t i = c->lo; i < c->hi; i++) {
        volatile char *p = base + (size_t)perm[i] * csz + (rnd() % chunk) * PS;
        uint64_t a = now();
        if (wr) {
            *p = 1;
        } else {
            (void)*p;
        }
        uint64_t b = now();
        lat[i] = b - a > 0xffffffffu ? 0xffffffffu : b - a;
    }
    c->t1 = now();
    return 0;
}

static void reset(void) {
    if (is(mode, "minor")) {
        if (madvise(base, len, MADV_DONTNEED)) {
            DIE("dontneed");
        }
    } else if (is(mode, "wp")) {
        memset(base, 1, len);
        struct uffdio_writeprotect w = {.range = {(uint64_t)base, len}, .mode = UFFDIO_WRITEPROTECT_MODE_WP};
        if (ioctl(ufd, UFFDIO_WRITEPROTECT, &w)) {
            DIE("WP");
        }
    } else if (is(mem, "anon")) {
        madvise(base, len, MADV_DONTNEED);
    } else if (fallocate(mfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, len)) {
        DIE("punch");
    }
}

static void bench(void) {
    perm = malloc(n * 4);
    lat = malloc(n * 4);
    for (size_t i = 0; i < n; i++) {
        perm[i] = i;
    }
    for (int r = 0; r < reps; r++) {
        if (!seq) {
            for (size_t i = n - 1; i > 0; i--) {
                size_t j = rnd() % (i + 1);
                uint32_t t = perm[i];
                perm[i] = perm[j];
                perm[j] = t;
            }
        }
        reset();
        struct fm f0, f1;
        fm_read(&f0);
        uint64_t w0 = now();
        pthread_t th[8];
        struct cl c[8];
        pthread_barrier_init(&bar, 0, clients);
        for (int i = 0; i < clients; i++) {
            c[i].id = i;
            c[i].lo = n * i / clients;
            c[i].hi = n * (i + 1) / clients;
            pthread_create(&th[i], 0, client, &c[i]);
        }
        uint64_t t0 = -1ull, t1 = 0;
        for (int i = 0; i < clients; i++) {
            pthread_join(th[i], 0);
            if (c[i].t0 < t0) {
                t0 = c[i].t0;
            }
            if (c[i].t1 > t1) {
                t1 = c[i].t1;
            }
        }
        fm_read(&f1);
        double wall = (now() - w0) / 1e9;
        qsort(lat, n, 4, cmpu);
        double s = 0;
        for (size_t i = 0; i < n; i++) {
            s += lat[i];
        }
        printf("%s %s %s chunk=%d wait=%s pin=%s cl=%d%s: p50=%.2fus p99=%.2fus p99.9=%.2fus mean=%.2fus min=%.2f  %.0f faults/s  "
               "%.0f MiB/s  busy=%.2fcpu\n",
               mem, hand, mode, chunk, waitm, pinm, clients, seq ? " seq" : "", lat[n / 2] / 1e3,
               lat[n * 99 / 100] / 1e3, lat[n * 999 / 1000] / 1e3, s / n / 1e3, lat[0] / 1e3, n / ((t1 - t0) / 1e9),
               n * csz / 1048576.0 / ((t1 - t0) / 1e9), (f1.busy - f0.busy) / 100.0 / wall);
        fflush(stdout);
    }
}

int main(int ac, char **av) {
    if (ac < 10) {
        USAGE("lat shm|anon thread|proc|sigbus missing|minor|wp|zero|fillcont|pwcont CHUNK_PAGES CHUNKS read|poll|spin"
              " diff|same|none CLIENTS REPEATS [seq]");
    }
    mem = av[1];
    hand = av[2];
    mode = av[3];
    chunk = atoi(av[4]);
    n = atol(av[5]);
    waitm = av[6];
    pinm = av[7];
    clients = atoi(av[8]);
    reps = atoi(av[9]);
    seq = ac > 10;
    csz = chunk * PS;
    len = n * csz;
    int nb = !is(waitm, "read");
    uint64_t feat = UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_WP_HUGETLBFS_SHMEM;
    if (is(hand, "sigbus")) {
        feat |= UFFD_FEATURE_SIGBUS;
    }
    int anon = is(mem, "anon");
    if (!anon) {
        mfd = memfd_create("r", 0);
        if (ftruncate(mfd, len)) {
            DIE("ft");
        }
        alias = mmap(0, len, PROT_READ | PROT_WRITE, MAP_SHARED, mfd, 0);
    }
    far = mmap(0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(far, len, MADV_NOHUGEPAGE);
    memset(far, 7, len);
    if (is(mode, "minor")) {
        memset(alias, 3, len);
    }
    uint64_t rm = is(mode, "minor") ? UFFDIO_REGISTER_MODE_MINOR
                  : is(mode, "wp")  ? UFFDIO_REGISTER_MODE_WP
                  : anon            ? UFFDIO_REGISTER_MODE_MISSING
                                    : UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR;
    if (is(mode, "missing")) {
        rm = UFFDIO_REGISTER_MODE_MISSING;
    }
    int proc = is(hand, "proc"), sv[2];
    pid_t pid = 0;
    if (proc) {
        socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv);
        pid = fork();
        if (pid) { /* parent = handler */
            close(sv[1]);
            ufd = recv_fd(sv[0], &base, sizeof base);
            pthread_t h;
            pthread_create(&h, 0, handler, 0);
            int st;
            waitpid(pid, &st, 0);
            return WEXITSTATUS(st);
        }
        close(sv[0]);
        munmap(far, len);
    }
    base = anon ? mmap(0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                : mmap(0, len, PROT_READ | PROT_WRITE, MAP_SHARED, mfd, 0);
    size_t al = csz;
    if ((uint64_t)base & (al - 1)) {
        munmap(base, len);
        char *q = mmap(0, len + al, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        q = (char *)(((uint64_t)q + al - 1) & ~(al - 1));
        base = mmap(q, len, PROT_READ | PROT_WRITE,
                    anon ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED : MAP_SHARED | MAP_FIXED, mfd, 0);
    }
    madvise(base, len, MADV_NOHUGEPAGE);
    ufd = new_uffd(feat, nb);
    reg(ufd, base, len, rm);
    if (proc) {
        send_fd(sv[1], ufd, &base, sizeof base);
    } else if (is(hand, "sigbus")) {
        struct sigaction sa = {.sa_sigaction = sb, .sa_flags = SA_SIGINFO | SA_NODEFER};
        sigaction(SIGBUS, &sa, 0);
    } else {
        pthread_t h;
        pthread_create(&h, 0, handler, 0);
    }
    bench();
    stop = 1;
    exit(0);
}
