/* What the floor programs share: userfaultfd set up by hand, descriptors passed by SCM_RIGHTS, clocks, CPU binding. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <errno.h>
#include <unistd.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/eventfd.h>
#include <linux/userfaultfd.h>
#include <linux/falloc.h>
#ifndef _UFFDIO_MOVE
#define _UFFDIO_MOVE (0x05)

struct uffdio_move {
    __u64 dst, src, len, mode;
    __s64 move;
};

#define UFFDIO_MOVE _IOWR(UFFDIO, _UFFDIO_MOVE, struct uffdio_move)
#define UFFDIO_MOVE_MODE_DONTWAKE (1 << 0)
#define UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES (1 << 1)
#define UFFD_FEATURE_MOVE (1 << 16)
#endif
#ifndef _UFFDIO_POISON
#define _UFFDIO_POISON (0x08)

struct uffdio_poison {
    struct uffdio_range range;
    __u64 mode;
    __s64 updated;
};

#define UFFDIO_POISON _IOWR(UFFDIO, _UFFDIO_POISON, struct uffdio_poison)
#define UFFD_FEATURE_POISON (1 << 14)
#endif
#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED (1 << 13)
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif
#define PS 4096UL
#define DIE(m)                                                                                                         \
    do {                                                                                                               \
        fprintf(stderr, "%s:%d %s: %s\n", __FILE__, __LINE__, m, strerror(errno));                                     \
        exit(2);                                                                                                       \
    } while (0)

/* Ends the program with its usage; for a call that is not as described. */
#define USAGE(text) \
    do { \
        fprintf(stderr, "usage: %s\n", text); \
        exit(2); \
    } while (0)

static inline uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static inline void pin(int cpu) {
    if (cpu < 0) {
        return;
    }
    cpu_set_t s;
    CPU_ZERO(&s);
    CPU_SET(cpu, &s);
    sched_setaffinity(0, sizeof s, &s);
}

static int cmpu(const void *a, const void *b) {
    uint32_t x = *(uint32_t *)a, y = *(uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t rs = 88172645463325252ull;

static inline uint64_t rnd(void) {
    rs ^= rs << 13;
    rs ^= rs >> 7;
    rs ^= rs << 17;
    return rs;
}

/* foreign-CPU meter: share of one CPU used by others while we measured */
struct fm {
    uint64_t busy, tot;
    double own;
};

static void fm_read(struct fm *f) {
    FILE *p = fopen("/proc/stat", "r");
    uint64_t v[10] = {0};
    char n[8];
    if (fscanf(p, "%7s %lu %lu %lu %lu %lu %lu %lu %lu", n, &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) <
        9) {
        DIE("stat");
    }
    fclose(p);
    f->busy = v[0] + v[1] + v[2] + v[5] + v[6] + v[7];
    f->tot = f->busy + v[3] + v[4];
    struct rusage a;
    double o = 0;
    getrusage(RUSAGE_SELF, &a);
    o += a.ru_utime.tv_sec + a.ru_utime.tv_usec / 1e6 + a.ru_stime.tv_sec + a.ru_stime.tv_usec / 1e6;
    f->own = o;
}

static int new_uffd(uint64_t feat, int nonblock) {
    int u = syscall(SYS_userfaultfd, O_CLOEXEC | (nonblock ? O_NONBLOCK : 0));
    if (u < 0) {
        DIE("userfaultfd");
    }
    struct uffdio_api a = {.api = UFFD_API, .features = feat};
    if (ioctl(u, UFFDIO_API, &a)) {
        DIE("UFFDIO_API");
    }
    return u;
}

static void reg(int u, void *p, size_t len, uint64_t mode) {
    struct uffdio_register r = {.range = {(uint64_t)p, len}, .mode = mode};
    if (ioctl(u, UFFDIO_REGISTER, &r)) {
        DIE("REGISTER");
    }
}

static void send_fd(int s, int fd, void *data, size_t n) {
    struct iovec io = {data, n};
    char c[CMSG_SPACE(sizeof(int))] = {0};
    struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(h), &fd, sizeof fd);
    if (sendmsg(s, &m, 0) < 0) {
        DIE("sendmsg");
    }
}

static int recv_fd(int s, void *data, size_t n) {
    struct iovec io = {data, n};
    char c[CMSG_SPACE(sizeof(int))];
    struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c};
    if (recvmsg(s, &m, 0) <= 0) {
        DIE("recvmsg");
    }
    int fd;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    return fd;
}
