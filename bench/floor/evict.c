/* eviction cost per page, split by step. usage: evict mem(shm|anon) who(thread|proc) batch total reps
   shm : B: UFFDIO_WRITEPROTECT(range) ; memcpy out of own alias mapping ; fallocate(PUNCH_HOLE) [or MADV_REMOVE]
         The alias is touched before the clock runs. HOW 4 has none and reads by pread.
   anon: same-process: WRITEPROTECT ; memcpy out ; MADV_DONTNEED   (also variant UFFDIO_MOVE out + copy) */
#include "common.h"

static int is(const char *a, const char *b) {
    return !strcmp(a, b);
}

int main(int ac, char **av) {
    if (ac < 6) {
        USAGE("evict shm|anon thread|proc BATCH PAGES REPEATS [HOW: 0 fallocate, 1 MADV_REMOVE, 3 MOVE, 4 pread [busy]]");
    }
    const char *mem = av[1], *who = av[2];
    size_t batch = atol(av[3]), total = atol(av[4]);
    int reps = atoi(av[5]);
    int how = ac > 6 ? atoi(av[6]) : 0; /* 0 fallocate, 1 MADV_REMOVE on alias, 4 no alias: pread, fallocate */
    int busy = ac > 7;
    size_t len = total * PS;
    int anon = is(mem, "anon"), proc = is(who, "proc");
    int mfd = -1;
    char *alias = 0, *base = 0;
    int u, sv[2];
    pid_t cl = 0;
    if (!anon) {
        mfd = memfd_create("e", 0);
        if (ftruncate(mfd, len)) {
            DIE("f");
        }
    }
    uint64_t feat = UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_WP_HUGETLBFS_SHMEM |
                    (anon ? UFFD_FEATURE_MOVE : 0);
    uint64_t rm = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP | (anon ? 0 : UFFDIO_REGISTER_MODE_MINOR);
    if (proc) {
        socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv);
        cl = fork();
    }
    if (!proc || !cl) {
        base = anon ? mmap(0, len, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : mmap(0, len, 3, MAP_SHARED, mfd, 0);
        madvise(base, len, MADV_NOHUGEPAGE);
        u = new_uffd(feat, 1);
        reg(u, base, len, rm);
        if (proc) {
            send_fd(sv[1], u, &base, sizeof base);
            pin(1);
            char c;
            while (read(sv[1], &c, 1) == 1) {
                if (busy) {
                    for (;;) {
                        for (size_t i = 0; i < len; i += 64) {
                            (void)*(volatile char *)(base + (rnd() % 64));
                        }
                    }
                }
            }
            _exit(0);
        }
    } else {
        u = recv_fd(sv[0], &base, sizeof base);
        close(sv[1]);
        if (busy) {
            struct uffdio_copy c = {0};
            static char z[PS] __attribute__((aligned(4096)));
            c.dst = (uint64_t)base;
            c.src = (uint64_t)z;
            c.len = PS;
            ioctl(u, UFFDIO_COPY, &c);
            char k = 1;
            if (write(sv[0], &k, 1) < 0) {
                return 1;
            }
        }
    }
    if (!anon) {
        alias = (proc) ? mmap(0, len, 3, MAP_SHARED, mfd, 0) : mmap(0, len, 3, MAP_SHARED, mfd, 0);
    } else {
        alias = base;
    }
    char *far = mmap(0, len, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(far, len, MADV_NOHUGEPAGE);
    memset(far, 1, len);
    pin(0);
    char *stage = 0;
    if (how == 3) {
        stage = mmap(0, len, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        madvise(stage, len, MADV_NOHUGEPAGE);
        reg(u, stage, len, UFFDIO_REGISTER_MODE_MISSING);
    }
    size_t step = batch;
    for (int r = 0; r < reps; r++) {
        struct uffdio_copy c = {.dst = (uint64_t)base + (busy ? PS : 0),
                                .src = (uint64_t)far + (busy ? PS : 0),
                                .len = len - (busy ? PS : 0)};
        while (ioctl(u, UFFDIO_COPY, &c)) {
            if (errno == EAGAIN) {
                c.dst += c.copy;
                c.src += c.copy;
                c.len -= c.copy;
                continue;
            }
            DIE("copy");
        }
        if (!anon && how != 4) {
            for (size_t i = 0; i < len; i += PS) {
                (void)*(volatile char *)(alias + i);
            }
        }
        uint64_t tw = 0, tm = 0, tp = 0;
        uint64_t T = now();
        size_t done = 0;
        for (size_t i = busy ? 1 : 0; i + step <= total; i += step) {
            size_t o = i * PS, n = step * PS;
            uint64_t a = now();
            if (how == 3) {
                struct uffdio_move m = {.dst = (uint64_t)stage + o, .src = (uint64_t)base + o, .len = n};
                if (ioctl(u, UFFDIO_MOVE, &m)) {
                    DIE("move");
                }
                uint64_t b = now();
                memcpy(far + o, stage + o, n);
                uint64_t d = now();
                madvise(stage + o, n, MADV_DONTNEED);
                uint64_t e = now();
                tw += b - a;
                tm += d - b;
                tp += e - d;
                done += step;
                continue;
            }
            struct uffdio_writeprotect w = {.range = {(uint64_t)base + o, n}, .mode = UFFDIO_WRITEPROTECT_MODE_WP};
            if (ioctl(u, UFFDIO_WRITEPROTECT, &w)) {
                DIE("wp");
            }
            uint64_t b = now();
            if (how == 4) {
                if (pread(mfd, far + o, n, o) != (ssize_t)n) {
                    DIE("pread");
                }
            } else {
                memcpy(far + o, alias + o, n);
            }
            uint64_t d = now();
            if (anon) {
                if (madvise(base + o, n, MADV_DONTNEED)) {
                    DIE("dn");
                }
            } else if (how == 1) {
                if (madvise(alias + o, n, MADV_REMOVE)) {
                    DIE("rm");
                }
            } else {
                if (fallocate(mfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, o, n)) {
                    DIE("punch");
                }
            }
            uint64_t e = now();
            tw += b - a;
            tm += d - b;
            tp += e - d;
            done += step;
        }
        T = now() - T;
        printf("%s %s batch=%zu how=%s%s: wp=%.0f copy=%.0f drop=%.0f total=%.0f ns/page  (%.0f MiB/s)\n", mem, who,
               batch,
               how == 3   ? "UFFDIO_MOVE+copy+DONTNEED"
               : anon     ? "DONTNEED"
               : how == 1 ? "MADV_REMOVE"
               : how == 4 ? "pread+fallocate"
                          : "fallocate",
               busy ? " client-running" : "", tw / (double)done, tm / (double)done, tp / (double)done, T / (double)done,
               done * 4096 / 1048576.0 / (T / 1e9));
        fflush(stdout);
        if (anon || 1) {
            if (!anon && fallocate(mfd, 3, busy ? PS : 0, len)) {
                DIE("p");
            }
            if (anon) {
                madvise(base, len, MADV_DONTNEED);
                if (stage) {
                    madvise(stage, len, MADV_DONTNEED);
                }
            }
        }
    }
    if (cl) {
        kill(cl, 9);
    }
    return 0;
}
