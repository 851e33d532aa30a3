/* what several threads of a process do at best when they move pages of another one in bulk, each its own part.
   usage: bulk THREADS BATCH PAGES REPEATS
   home: UFFDIO_COPY. out: UFFDIO_WRITEPROTECT ; pread ; fallocate(PUNCH_HOLE), as evict's HOW 4. */
#include "common.h"

static size_t threads, batch, part;
static int repeats, userfault, file;
static char *base, *far;
static uint64_t begun;
static pthread_barrier_t barrier;

static void home(size_t o) {
    struct uffdio_copy c = {
        .dst = (uint64_t)base + o, .src = (uint64_t)far + o, .len = batch, .mode = UFFDIO_COPY_MODE_DONTWAKE};
    while (ioctl(userfault, UFFDIO_COPY, &c)) {
        if (errno != EAGAIN) {
            DIE("copy");
        }
        if (c.copy > 0) {
            c.dst += c.copy;
            c.src += c.copy;
            c.len -= c.copy;
        }
    }
}

static void out(size_t o) {
    struct uffdio_writeprotect w = {.range = {(uint64_t)base + o, batch}, .mode = UFFDIO_WRITEPROTECT_MODE_WP};
    while (ioctl(userfault, UFFDIO_WRITEPROTECT, &w)) {
        if (errno != EAGAIN) {
            DIE("wp");
        }
    }
    if (pread(file, far + o, batch, o) != (ssize_t)batch) {
        DIE("pread");
    }
    if (fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, o, batch)) {
        DIE("punch");
    }
}

/* all threads; returns how long they took, to the first of them */
static uint64_t together(size_t self, void (*move)(size_t)) {
    pthread_barrier_wait(&barrier);
    if (!self) {
        begun = now();
    }
    pthread_barrier_wait(&barrier);
    for (size_t o = self * part; o < (self + 1) * part; o += batch) {
        move(o);
    }
    pthread_barrier_wait(&barrier);
    return now() - begun;
}

static void *worker(void *argument) {
    size_t self = (size_t)argument;
    double len = part * threads;
    pin(self);
    for (int r = 0; r < repeats; r++) {
        uint64_t in = together(self, home);
        uint64_t away = together(self, out);
        if (!self) {
            printf("threads=%zu batch=%zu home: %.0f ns/page %.2f GB/s out: %.0f ns/page\n", threads, batch / PS,
                   in / (len / PS), len / in, away / (len / PS));
        }
    }
    return 0;
}

int main(int ac, char **av) {
    if (ac < 5) {
        USAGE("bulk THREADS BATCH PAGES REPEATS");
    }
    threads = atol(av[1]);
    batch = atol(av[2]) * PS;
    part = threads && batch ? atol(av[3]) * PS / threads / batch * batch : 0;
    repeats = atoi(av[4]);
    size_t len = part * threads;
    if (!len) {
        USAGE("bulk THREADS BATCH PAGES REPEATS: at least a batch for each thread");
    }
    file = memfd_create("b", 0);
    if (ftruncate(file, len)) {
        DIE("ftruncate");
    }
    int sv[2];
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv);
    pid_t client = fork();
    if (!client) {
        base = mmap(0, len, 3, MAP_SHARED, file, 0);
        madvise(base, len, MADV_NOHUGEPAGE);
        userfault = new_uffd(UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_WP_HUGETLBFS_SHMEM, 1);
        reg(userfault, base, len,
            UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP | UFFDIO_REGISTER_MODE_MINOR);
        send_fd(sv[1], userfault, &base, sizeof base);
        pause();
    }
    userfault = recv_fd(sv[0], &base, sizeof base);
    far = mmap(0, len, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(far, len, MADV_NOHUGEPAGE);
    memset(far, 3, len);
    pthread_barrier_init(&barrier, 0, threads);
    for (size_t i = 1; i < threads; i++) {
        pthread_t t;
        if (pthread_create(&t, 0, worker, (void *)i)) {
            DIE("thread");
        }
    }
    worker(0);
    kill(client, 9);
    return 0;
}
