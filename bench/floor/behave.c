/* semantic checks: run each test in a child with a 5 s alarm. A = client process, B = handler process (gets uffd by
 * SCM_RIGHTS). */
#include "common.h"
#include <sys/prctl.h>
#include <setjmp.h>
#include <sys/mman.h>
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#define N 64
#define LEN (N * PS)

struct sh {
    volatile int step, val[64];
    volatile uint64_t u[16];
};
static struct sh *S;
static void say(const char *f, ...) __attribute__((format(printf, 1, 2)));
#include <stdarg.h>

static void say(const char *f, ...) {
    va_list a;
    va_start(a, f);
    printf("   ");
    vprintf(f, a);
    printf("\n");
    fflush(stdout);
    va_end(a);
}

static int rdmsg(int u, struct uffd_msg *m, int ms) {
    struct pollfd p = {u, POLLIN, 0};
    int r = poll(&p, 1, ms);
    if (r <= 0) {
        return 0;
    }
    if (p.revents & ~POLLIN) {
        say("poll revents=0x%x", p.revents);
    }
    r = read(u, m, sizeof *m);
    return r == sizeof *m;
}

static const char *ev(struct uffd_msg *m) {
    static char b[80];
    if (m->event == UFFD_EVENT_PAGEFAULT) {
        uint64_t f = m->arg.pagefault.flags;
        snprintf(b, 80, "%s%s @+%lu",
                 (f & UFFD_PAGEFAULT_FLAG_WP)      ? "WP"
                 : (f & UFFD_PAGEFAULT_FLAG_MINOR) ? "MINOR"
                                                   : "MISSING",
                 (f & UFFD_PAGEFAULT_FLAG_WRITE) ? "|WRITE" : "", (unsigned long)(m->arg.pagefault.address / PS % 4096));
    } else {
        snprintf(b, 80, "event 0x%x", m->event);
    }
    return b;
}

static int copy(int u, char *d, int fill, uint64_t mode) {
    static char pg[PS] __attribute__((aligned(4096)));
    memset(pg, fill, PS);
    struct uffdio_copy c = {.dst = (uint64_t)d, .src = (uint64_t)pg, .len = PS, .mode = mode};
    return ioctl(u, UFFDIO_COPY, &c) ? -errno : 0;
}

static int cont(int u, char *d, uint64_t mode) {
    struct uffdio_continue c = {.range = {(uint64_t)d, PS}, .mode = mode};
    return ioctl(u, UFFDIO_CONTINUE, &c) ? -errno : 0;
}

static int wp(int u, char *d, size_t n, int on) {
    struct uffdio_writeprotect w = {.range = {(uint64_t)d, n}, .mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0};
    return ioctl(u, UFFDIO_WRITEPROTECT, &w) ? -errno : 0;
}

static int zero(int u, char *d) {
    struct uffdio_zeropage c = {.range = {(uint64_t)d, PS}};
    return ioctl(u, UFFDIO_ZEROPAGE, &c) ? -errno : 0;
}

static int poison(int u, char *d) {
    struct uffdio_poison c = {.range = {(uint64_t)d, PS}};
    return ioctl(u, UFFDIO_POISON, &c) ? -errno : 0;
}

static int uwake(int u, char *d, size_t n) {
    struct uffdio_range r = {(uint64_t)d, n};
    return ioctl(u, UFFDIO_WAKE, &r) ? -errno : 0;
}

static int mv(int u, char *d, char *s) {
    struct uffdio_move c = {.dst = (uint64_t)d, .src = (uint64_t)s, .len = PS};
    return ioctl(u, UFFDIO_MOVE, &c) ? -errno : 0;
}

static const char *E(int r) {
    return r ? strerror(-r) : "OK";
}

/* client server: executes accesses on command */
static int sv[2];
static char *B_;
static int mfd = -1;
static int ufd;
static pid_t cl;

enum { RD, WR, DONTNEED, REMOVE, SYSREAD, DUPKEEP, QUIT, FREE, UNMAP, WRX };

struct cmd {
    int op, page, val;
};

struct rep {
    int val, sig, err;
    uint64_t ns;
};

static sigjmp_buf jb;
static volatile int jsig, jcode;
static volatile int usr1;

static void onbus(int s, siginfo_t *i, void *x) {
    jsig = s;
    jcode = i->si_code;
    siglongjmp(jb, 1);
}

static void onusr(int s) {
    usr1++;
    S->val[60]++;
}

static void client_loop(int s) {
    struct cmd c;
    struct sigaction sa = {.sa_sigaction = onbus, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGBUS, &sa, 0);
    sigaction(SIGSEGV, &sa, 0);
    signal(SIGUSR1, onusr);
    while (read(s, &c, sizeof c) == sizeof c) {
        struct rep r = {0};
        volatile char *p = B_ + c.page * PS;
        jsig = 0;
        if (sigsetjmp(jb, 1) == 0) {
            uint64_t t = now();
            switch (c.op) {
                case RD:
                    r.val = *p;
                    break;
                case WR:
                    *p = c.val;
                    r.val = *p;
                    break;
                case DONTNEED:
                    r.err = madvise((void *)p, PS, MADV_DONTNEED) ? -errno : 0;
                    break;
                case REMOVE:
                    r.err = madvise((void *)p, PS, MADV_REMOVE) ? -errno : 0;
                    break;
                case SYSREAD: {
                    int z = open("/dev/zero", O_RDONLY);
                    ssize_t q = read(z, (void *)p, 8);
                    r.val = q;
                    r.err = q < 0 ? -errno : 0;
                    close(z);
                    break;
                }
                case QUIT:
                    _exit(0);
                case WRX: {
                    pid_t k = fork();
                    if (!k) {
                        alarm(2);
                        _exit(*p & 0x7f);
                    }
                    int st = 0;
                    waitpid(k, &st, 0);
                    r.val = WIFSIGNALED(st) ? -WTERMSIG(st) : WEXITSTATUS(st);
                    break;
                }
                case FREE:
                    r.err = madvise((void *)p, PS, MADV_FREE) ? -errno : 0;
                    break;
                case UNMAP:
                    r.err = munmap((void *)p, PS) ? -errno : 0;
                    break;
            }
            r.ns = now() - t;
        } else {
            r.sig = jsig;
            r.val = jcode;
        }
        if (write(s, &r, sizeof r) < 0) {
            _exit(1);
        }
    }
    _exit(0);
}

static int keepdup, anon, umode;
static uint64_t feats, rmode;

/* returns in handler process with ufd,B_,mfd set */
static void setup(void) {
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv);
    if (!anon) {
        mfd = memfd_create("x", 0);
        if (ftruncate(mfd, LEN)) {
            DIE("ft");
        }
    }
    cl = fork();
    if (!cl) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(sv[0]);
        B_ = anon ? mmap(0, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                  : mmap(0, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, mfd, 0);
        madvise(B_, LEN, MADV_NOHUGEPAGE);
        int u = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | umode);
        struct uffdio_api a = {.api = UFFD_API, .features = feats};
        if (ioctl(u, UFFDIO_API, &a)) {
            DIE("api");
        }
        reg(u, B_, LEN, rmode);
        send_fd(sv[1], u, &B_, sizeof B_);
        if (!keepdup) {
            close(u);
        }
        client_loop(sv[1]);
    }
    close(sv[1]);
    ufd = recv_fd(sv[0], &B_, sizeof B_);
}

static void req(int op, int page, int val) {
    struct cmd c = {op, page, val};
    if (write(sv[0], &c, sizeof c) < 0) {
        DIE("w");
    }
}

static int rep(struct rep *r, int ms) {
    struct pollfd p = {sv[0], POLLIN, 0};
    if (poll(&p, 1, ms) <= 0) {
        return 0;
    }
    return read(sv[0], r, sizeof *r) == sizeof *r;
}

static void show(const char *l, int ms) {
    struct rep r;
    if (!rep(&r, ms)) {
        say("%s: client STILL BLOCKED after %d ms", l, ms);
    } else if (r.sig) {
        say("%s: client got signal %d code %d%s", l, r.sig, r.val,
            r.sig == SIGBUS ? (r.val == 4   ? " (BUS_MCEERR_AR)"
                               : r.val == 2 ? " (BUS_ADRERR)"
                                            : "")
                            : "");
    } else {
        say("%s: client done val=%d%s%s", l, r.val, r.err ? " err=" : "", r.err ? E(r.err) : "");
    }
}

#define EXPECT(l)                                                                                                      \
    do {                                                                                                               \
        struct uffd_msg m;                                                                                             \
        if (rdmsg(ufd, &m, 300))                                                                                       \
            say("%s -> %s", l, ev(&m));                                                                                \
        else                                                                                                           \
            say("%s -> NO uffd message within 300 ms", l);                                                             \
    } while (0)
#define FEAT_ALL                                                                                                       \
    (UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_WP_HUGETLBFS_SHMEM |                         \
     UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_POISON | UFFD_FEATURE_MOVE | UFFD_FEATURE_WP_UNPOPULATED |          \
     UFFD_FEATURE_EXACT_ADDRESS | UFFD_FEATURE_THREAD_ID)
#define M_MISS UFFDIO_REGISTER_MODE_MISSING
#define M_WP UFFDIO_REGISTER_MODE_WP
#define M_MIN UFFDIO_REGISTER_MODE_MINOR

static void punch(int page, int n) {
    if (fallocate(mfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, page * PS, n * PS)) {
        DIE("punch");
    }
}

static void t_api(void) {
    int u = syscall(SYS_userfaultfd, O_CLOEXEC);
    struct uffdio_api a = {.api = UFFD_API};
    ioctl(u, UFFDIO_API, &a);
    say("features=0x%llx ioctls=0x%llx", (unsigned long long)a.features, (unsigned long long)a.ioctls);
    const char *nm[] = {"WP",
                        "FORK",
                        "REMAP",
                        "REMOVE",
                        "MISSING_HUGETLBFS",
                        "MISSING_SHMEM",
                        "UNMAP",
                        "SIGBUS",
                        "THREAD_ID",
                        "MINOR_HUGETLBFS",
                        "MINOR_SHMEM",
                        "EXACT_ADDRESS",
                        "WP_HUGETLBFS_SHMEM",
                        "WP_UNPOPULATED",
                        "POISON",
                        "WP_ASYNC",
                        "MOVE"};
    printf("   ");
    for (int i = 0; i < 17; i++) {
        printf("%s%s ", a.features >> i & 1 ? "+" : "-", nm[i]);
    }
    printf("\n");
}

static void t_ioctls_shm(void) {
    feats = FEAT_ALL;
    rmode = M_MISS | M_WP | M_MIN;
    setup();
    char *alias = mmap(0, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, mfd, 0);
    req(RD, 0, 0);
    EXPECT("read absent");
    say("B COPY: %s", E(copy(ufd, B_, 7, 0)));
    show("  read", 500);
    req(RD, 1, 0);
    EXPECT("read absent");
    say("B ZEROPAGE: %s", E(zero(ufd, B_ + PS)));
    show("  read", 500);
    alias[2 * PS] = 9;
    req(RD, 2, 0);
    EXPECT("read page present in cache, no PTE");
    say("B CONTINUE: %s", E(cont(ufd, B_ + 2 * PS, 0)));
    show("  read", 500);
    say("B WRITEPROTECT p0: %s", E(wp(ufd, B_, PS, 1)));
    req(WR, 0, 8);
    EXPECT("write to WP page");
    say("B un-WP: %s", E(wp(ufd, B_, PS, 0)));
    show("  write", 500);
    say("B POISON p3: %s", E(poison(ufd, B_ + 3 * PS)));
    req(RD, 3, 0);
    show("  read poisoned", 500);
    say("B COPY onto poisoned p3: %s", E(copy(ufd, B_ + 3 * PS, 1, 0)));
    punch(3, 1);
    req(RD, 3, 0);
    show("  read poisoned after punch by B", 300);
    req(DONTNEED, 3, 0);
    show("  client MADV_DONTNEED p3", 300);
    req(RD, 3, 0);
    EXPECT("read p3 after client DONTNEED");
    copy(ufd, B_ + 3 * PS, 5, 0);
    show("  read", 500);
    req(RD, 4, 0);
    EXPECT("read absent");
    say("B WAKE without filling: %s", E(uwake(ufd, B_ + 4 * PS, PS)));
    EXPECT("  refault after bare WAKE");
    copy(ufd, B_ + 4 * PS, 4, 0);
    show("  read", 500);
    say("B MOVE p5<-p4 (shm): %s", E(mv(ufd, B_ + 5 * PS, B_ + 4 * PS)));
    say("B COPY onto present p0: %s", E(copy(ufd, B_, 7, 0)));
}

static void t_ioctls_anon(void) {
    anon = 1;
    feats = FEAT_ALL;
    rmode = M_MISS | M_WP;
    setup();
    req(RD, 0, 0);
    EXPECT("read absent anon");
    say("B COPY: %s", E(copy(ufd, B_, 7, 0)));
    show("  read", 500);
    req(RD, 1, 0);
    EXPECT("read absent anon");
    say("B ZEROPAGE: %s", E(zero(ufd, B_ + PS)));
    show("  read", 500);
    say("B WRITEPROTECT: %s", E(wp(ufd, B_, PS, 1)));
    req(WR, 0, 8);
    EXPECT("write WP anon");
    say("B un-WP: %s", E(wp(ufd, B_, PS, 0)));
    show("  write", 500);
    say("B MOVE p5<-p0 (anon, B in another process): %s", E(mv(ufd, B_ + 5 * PS, B_)));
    req(RD, 5, 0);
    show("  read p5 (expect 8)", 500);
    req(RD, 0, 0);
    EXPECT("read p0 after MOVE away");
    copy(ufd, B_, 1, 0);
    show("  read", 500);
    say("B POISON p3: %s", E(poison(ufd, B_ + 3 * PS)));
    req(RD, 3, 0);
    show("  read poisoned", 500);
    int pfd = syscall(SYS_pidfd_open, cl, 0);
    struct iovec v = {B_ + 5 * PS, PS};
    int adv[] = {4 /*DONTNEED*/, 8 /*FREE*/, 20 /*COLD*/, 21 /*PAGEOUT*/, 3 /*WILLNEED*/};
    const char *an[] = {"DONTNEED", "FREE", "COLD", "PAGEOUT", "WILLNEED"};
    for (int i = 0; i < 5; i++) {
        long r = syscall(SYS_process_madvise, pfd, &v, 1, adv[i], 0);
        say("B process_madvise(client, MADV_%s): %s", an[i], r < 0 ? strerror(errno) : "OK");
    }
    char buf[PS];
    struct iovec l = {buf, PS}, rr = {B_ + 5 * PS, PS};
    ssize_t q = process_vm_readv(cl, &l, 1, &rr, 1, 0);
    say("B process_vm_readv present page: %zd val=%d", q, buf[0]);
    pid_t k = fork();
    if (!k) {
        struct iovec r2 = {B_ + 9 * PS, PS};
        q = process_vm_readv(cl, &l, 1, &r2, 1, 0);
        say("  process_vm_readv absent page returned %zd (%s)", q, q < 0 ? strerror(errno) : "");
        _exit(0);
    }
    EXPECT("process_vm_readv of ABSENT page by B's child");
    int st;
    usleep(100000);
    say("  reader %s before resolve", waitpid(k, &st, WNOHANG) ? "done" : "blocked");
    copy(ufd, B_ + 9 * PS, 2, 0);
    usleep(50000);
    waitpid(k, &st, 0);
}

static void t_punch(void) {
    feats = FEAT_ALL;
    rmode = M_MISS | M_WP | M_MIN;
    setup();
    req(RD, 0, 0);
    EXPECT("read");
    copy(ufd, B_, 7, 0);
    show("  read", 500);
    punch(0, 1);
    req(RD, 0, 0);
    EXPECT("read after B fallocate(PUNCH_HOLE)");
    copy(ufd, B_, 6, 0);
    show("  read", 500);
    /* WP then punch */
    say("WP p0: %s", E(wp(ufd, B_, PS, 1)));
    punch(0, 1);
    req(WR, 0, 1);
    EXPECT("WRITE after WP+punch");
    say("B COPY without MODE_WP: %s", E(copy(ufd, B_, 5, 0)));
    EXPECT("  (second event after COPY w/o WP?)");
    wp(ufd, B_, PS, 0);
    show("  write", 500);
    say("WP p0: %s", E(wp(ufd, B_, PS, 1)));
    punch(0, 1);
    req(RD, 0, 1);
    EXPECT("READ after WP+punch");
    say("B COPY without MODE_WP: %s", E(copy(ufd, B_, 5, 0)));
    show("  read", 500);
    req(WR, 0, 9);
    EXPECT("  write after that (WP kept?)");
    wp(ufd, B_, PS, 0);
    show("  write", 500);
    say("WP p0: %s", E(wp(ufd, B_, PS, 1)));
    punch(0, 1);
    req(RD, 0, 1);
    EXPECT("READ after WP+punch");
    say("B COPY with MODE_WP: %s", E(copy(ufd, B_, 5, UFFDIO_COPY_MODE_WP)));
    show("  read", 500);
    req(WR, 0, 9);
    EXPECT("  write after COPY_MODE_WP");
    wp(ufd, B_, PS, 0);
    show("  write", 500);
    /* marker left after punch, alias refill then CONTINUE */
    say("WP p0: %s", E(wp(ufd, B_, PS, 1)));
    punch(0, 1);
    char *al = mmap(0, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, mfd, 0);
    al[0] = 3;
    req(RD, 0, 1);
    EXPECT("READ after WP+punch+alias refill");
    say("B CONTINUE mode 0: %s", E(cont(ufd, B_, 0)));
    show("  read", 500);
    req(WR, 0, 9);
    EXPECT("  write after CONTINUE(0)");
    wp(ufd, B_, PS, 0);
    show("  write", 500);
    punch(0, 1);
    al[0] = 3;
    req(RD, 0, 1);
    EXPECT("READ");
    say("B CONTINUE MODE_WP: %s", E(cont(ufd, B_, 2)));
    show("  read", 500);
    req(WR, 0, 9);
    EXPECT("  write after CONTINUE_MODE_WP");
    wp(ufd, B_, PS, 0);
    show("  write", 500);
    /* WP on unpopulated */
    say("WP unpopulated p8: %s", E(wp(ufd, B_ + 8 * PS, PS, 1)));
    req(WR, 8, 1);
    EXPECT("write WP'd-unpopulated p8");
    copy(ufd, B_ + 8 * PS, 1, 0);
    EXPECT("  after COPY(0)");
    wp(ufd, B_ + 8 * PS, PS, 0);
    show("  write", 300);
    /* WP'd, client DONTNEED: PTE dropped, cache kept */
    req(WR, 10, 1);
    EXPECT("write p10");
    copy(ufd, B_ + 10 * PS, 1, 0);
    show("  w", 300);
    wp(ufd, B_ + 10 * PS, PS, 1);
    req(DONTNEED, 10, 0);
    show("client DONTNEED WP'd shm page", 300);
    req(WR, 10, 2);
    EXPECT("write after WP+DONTNEED");
    say("CONTINUE(0): %s", E(cont(ufd, B_ + 10 * PS, 0)));
    EXPECT("  next");
    wp(ufd, B_ + 10 * PS, PS, 0);
    show("  write", 300);
    /* B writes/reads via alias are not trapped */
    wp(ufd, B_ + 10 * PS, PS, 1);
    al[10 * PS] = 77;
    req(RD, 10, 0);
    show("B alias write to client-WP'd page not trapped; client reads (expect 77)", 300);
    /* DONTNEED_LOCKED etc: B's own MADV_REMOVE on alias */
    say("B madvise(alias,MADV_REMOVE): %s", madvise(al + 10 * PS, PS, MADV_REMOVE) ? strerror(errno) : "OK");
    req(RD, 10, 0);
    EXPECT("client read after B MADV_REMOVE via alias");
    copy(ufd, B_ + 10 * PS, 1, 0);
    show("  r", 300);
}

static void t_death(int dup) {
    keepdup = dup;
    feats = FEAT_ALL;
    rmode = M_MISS | M_WP | M_MIN;
    setup();
    req(WR, 1, 42);
    EXPECT("write p1");
    copy(ufd, B_ + PS, 0, 0);
    show("  w", 300);
    punch(1, 1); /* page 1 'evicted' */
    req(RD, 1, 0);
    EXPECT("client faults on evicted p1; B reads msg, does not resolve");
    say("B closes its uffd (= handler death)%s", dup ? "; client keeps a dup" : "; no other reference");
    close(ufd);
    show("  client", 700);
    if (!dup) {
        req(RD, 5, 0);
        show("  later read of never-filled p5", 300);
        wp(ufd, B_, 1, 1);
        return;
    }
    kill(cl, SIGUSR1);
    usleep(100000);
    say("SIGUSR1 delivered to blocked client thread: handler ran %d time(s)", S->val[60]);
    show("  client", 200);
    /* recovery: steal dup through pidfd_getfd (client's fd number = uffd) */
    int pfd = syscall(SYS_pidfd_open, cl, 0);
    int u2 = -1;
    char p[64], l[64];
    for (int f = 3; f < 20; f++) {
        snprintf(p, 64, "/proc/%d/fd/%d", cl, f);
        ssize_t n = readlink(p, l, 63);
        if (n > 0) {
            l[n] = 0;
            if (strstr(l, "userfaultfd")) {
                u2 = syscall(SYS_pidfd_getfd, pfd, f, 0);
                break;
            }
        }
    }
    say("new handler gets the client's dup by pidfd_getfd: fd %d", u2);
    ufd = u2;
    EXPECT("new handler reads (after SIGUSR1 the thread refaulted)");
    EXPECT("  second read");
    say("UFFDIO_WAKE whole range: %s", E(uwake(ufd, B_, LEN)));
    EXPECT("  after WAKE");
    say("COPY: %s", E(copy(ufd, B_ + PS, 42, 0)));
    show("  client", 500);
}

static void t_death1(void) {
    t_death(0);
}

static void t_death2(void) {
    t_death(1);
}

static void t_death3(void) {
    keepdup = 1;
    feats = FEAT_ALL;
    rmode = M_MISS | M_WP | M_MIN;
    setup();
    req(RD, 1, 0);
    EXPECT("client faults p1; B1 reads msg, then dies (no signal sent)");
    int pfd = syscall(SYS_pidfd_open, cl, 0);
    int u2 = -1;
    char p[64], l[64];
    for (int f = 3; f < 20; f++) {
        snprintf(p, 64, "/proc/%d/fd/%d", cl, f);
        ssize_t n = readlink(p, l, 63);
        if (n > 0) {
            l[n] = 0;
            if (strstr(l, "userfaultfd")) {
                u2 = syscall(SYS_pidfd_getfd, pfd, f, 0);
                break;
            }
        }
    }
    close(ufd);
    ufd = u2;
    EXPECT("new handler polls the dup (message was consumed by the dead one)");
    say("UFFDIO_WAKE whole range: %s", E(uwake(ufd, B_, LEN)));
    EXPECT("  after WAKE");
    copy(ufd, B_ + PS, 42, 0);
    show("  client", 500);
    req(RD, 2, 0);
    usleep(100000);
    say("client blocked on p2 with nobody reading; SIGKILL:");
    kill(cl, SIGKILL);
    int st = 0;
    int i;
    for (i = 0; i < 50 && waitpid(cl, &st, WNOHANG) == 0; i++) {
        usleep(10000);
    }
    say("  killed=%d after ~%d ms", WIFSIGNALED(st), i * 10);
}

static void t_death_wp(void) {
    feats = FEAT_ALL;
    rmode = M_MISS | M_WP | M_MIN;
    setup();
    req(WR, 1, 42);
    EXPECT("w");
    copy(ufd, B_ + PS, 0, 0);
    show("  w", 300);
    wp(ufd, B_ + PS, PS, 1);
    req(WR, 1, 43);
    EXPECT("client blocks on WP fault");
    say("B closes uffd");
    close(ufd);
    show("  client write", 500);
}

static void t_events(void) {
    feats = FEAT_ALL | UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP;
    rmode = M_MISS | M_WP | M_MIN;
    setup();
    req(WR, 0, 1);
    EXPECT("w");
    copy(ufd, B_, 1, 0);
    show("  w", 300);
    punch(0, 1);
    EXPECT("EVENT_REMOVE after B's fallocate punch?");
    req(REMOVE, 0, 0);
    struct rep r;
    usleep(50000);
    int early = rep(&r, 0);
    say("client MADV_REMOVE returned before event read: %s", early ? "yes" : "no (blocked)");
    EXPECT("client MADV_REMOVE event");
    if (!early) {
        show("  client", 300);
    }
    req(WR, 1, 0);
    EXPECT("w");
    req(9, 9, 9); /* nothing */
    int e = copy(ufd, B_ + PS, 1, 0);
    say("COPY ok: %s", E(e));
    show("  w", 300);
    show("  noop", 100);
    req(DONTNEED, 1, 0);
    usleep(50000);
    e = copy(ufd, B_ + 2 * PS, 1, 0);
    say("COPY while a client's REMOVE event is unread: %s", E(e));
    EXPECT("client DONTNEED event");
    show("  client", 300);
    req(UNMAP, 20, 0);
    usleep(50000);
    say("client munmap %s before event read", rep(&r, 0) ? "returned" : "blocked");
    EXPECT("munmap event");
    e = copy(ufd, B_ + 20 * PS, 1, 0);
    say("COPY into unmapped: %s", E(e));
}

static void t_usermode(void) {
    umode = UFFD_USER_MODE_ONLY;
    feats = FEAT_ALL;
    rmode = M_MISS;
    setup();
    req(RD, 0, 0);
    EXPECT("user-mode read");
    copy(ufd, B_, 1, 0);
    show("  r", 300);
    req(SYSREAD, 1, 0);
    EXPECT("kernel-mode fault (read(2) into absent page), USER_MODE_ONLY");
    show("  ", 300);
}

static void t_kernmode(void) {
    feats = FEAT_ALL;
    rmode = M_MISS;
    setup();
    req(SYSREAD, 1, 0);
    EXPECT("kernel-mode fault (read(2) into absent page), full uffd");
    copy(ufd, B_ + PS, 1, 0);
    show("  ", 300);
}

static void t_anon_wp(void) {
    anon = 1;
    feats = FEAT_ALL;
    rmode = M_MISS | M_WP;
    setup();
    req(WR, 0, 1);
    EXPECT("w");
    copy(ufd, B_, 1, 0);
    show("  w", 300);
    wp(ufd, B_, PS, 1);
    req(DONTNEED, 0, 0);
    show("anon WP'd page, client DONTNEED", 300);
    req(WR, 0, 2);
    EXPECT("write after WP+DONTNEED");
    copy(ufd, B_, 1, 0);
    EXPECT("  after COPY(0)");
    show("  w", 300);
}

static void t_vmreadv(void) {
    anon = 1;
    feats = FEAT_ALL;
    rmode = M_MISS | M_WP;
    setup();
    char buf[PS];
    struct iovec l = {buf, PS};
    ssize_t q;
    req(WR, 5, 3);
    EXPECT("w");
    copy(ufd, B_ + 5 * PS, 2, 0);
    show("  w", 300);
    struct iovec rr = {B_ + 5 * PS, PS};
    q = process_vm_readv(cl, &l, 1, &rr, 1, 0);
    say("B process_vm_readv present page: %zd val=%d", q, buf[0]);
    {
        wp(ufd, B_ + 5 * PS, PS, 1);
        buf[0] = 11;
        pid_t k2 = fork();
        if (!k2) {
            q = process_vm_writev(cl, &l, 1, &rr, 1, 0);
            _exit(0);
        }
        EXPECT("process_vm_writev into WPd page");
        usleep(100000);
        int st2;
        say("  writer %s",
            waitpid(k2, &st2, WNOHANG) ? "done" : "BLOCKED (a single-threaded handler doing this deadlocks on itself)");
        wp(ufd, B_ + 5 * PS, PS, 0);
        usleep(50000);
        waitpid(k2, &st2, WNOHANG);
    }
    pid_t k = fork();
    if (!k) {
        struct iovec r2 = {B_ + 9 * PS, PS};
        q = process_vm_readv(cl, &l, 1, &r2, 1, 0);
        say("  process_vm_readv absent page returned %zd (%s)", q, q < 0 ? strerror(errno) : "");
        _exit(0);
    }
    EXPECT("process_vm_readv of ABSENT page by B's child");
    int st;
    usleep(100000);
    say("  reader %s before resolve", waitpid(k, &st, WNOHANG) ? "done" : "blocked");
    copy(ufd, B_ + 9 * PS, 2, 0);
    usleep(50000);
    waitpid(k, &st, WNOHANG);
    char pm[64];
    snprintf(pm, 64, "/proc/%d/mem", cl);
    int f = open(pm, O_RDWR);
    q = pread(f, buf, PS, (off_t)(B_ + 5 * PS));
    say("B pread(/proc/pid/mem) present: %zd", q);
}

static void t_poison(void) {
    feats = FEAT_ALL;
    rmode = M_MISS | M_WP | M_MIN;
    setup();
    say("POISON p3: %s", E(poison(ufd, B_ + 3 * PS)));
    req(RD, 3, 0);
    show("  read", 300);
    punch(3, 1);
    req(RD, 3, 0);
    EXPECT("  read after punch only");
    show("  read", 200);
    say("COPY: %s", E(copy(ufd, B_ + 3 * PS, 4, 0)));
    req(RD, 3, 0);
    show("  read after COPY", 300);
    req(WR, 6, 1);
    EXPECT("w");
    copy(ufd, B_ + 6 * PS, 1, 0);
    show("  w", 300);
    say("POISON present page: %s", E(poison(ufd, B_ + 6 * PS)));
    req(RD, 7, 0);
    EXPECT("blocked fault p7, answered by POISON");
    say("POISON: %s", E(poison(ufd, B_ + 7 * PS)));
    show("  r", 300);
}

static void t_move_same(void) {
    int u = new_uffd(UFFD_FEATURE_MOVE, 1);
    char *d = mmap(0, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
         *s = mmap(0, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    reg(u, d, LEN, M_MISS);
    memset(s, 5, LEN);
    say("same-process MOVE anon(unregistered src)->anon(registered): %s", E(mv(u, d, s)));
    say(" dst val=%d src now=%d (zero = moved away)", d[0], s[0]);
    struct uffdio_move m = {.dst = (uint64_t)s, .src = (uint64_t)d, .len = PS};
    say("reverse MOVE registered->unregistered: %s", ioctl(u, UFFDIO_MOVE, &m) ? strerror(errno) : "OK");
    int f = memfd_create("m", 0);
    if (ftruncate(f, LEN)) {
        DIE("f");
    }
    char *h = mmap(0, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
    memset(h, 1, LEN);
    say("MOVE shm->anon: %s", E(mv(u, d + PS, h)));
    char *d2 = mmap(0, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    reg(u, d2, LEN, M_MISS | M_WP);
    pid_t k = fork();
    if (!k) {
        pause();
    }
    say("MOVE after fork (page COW-shared): %s", E(mv(u, d2, s + 4 * PS)));
    kill(k, SIGKILL);
    int st;
    waitpid(k, &st, 0);
}

static void t_scan(void) { /* WP_ASYNC + PAGEMAP_SCAN from another process */
    keepdup = 0;
    feats = UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED | UFFD_FEATURE_WP_HUGETLBFS_SHMEM |
            UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_MINOR_SHMEM;
    rmode = M_WP | M_MISS;
    setup();
    for (int i = 0; i < 4; i++) {
        req(WR, i, 1);
        struct uffd_msg m;
        rdmsg(ufd, &m, 300);
        copy(ufd, B_ + i * PS, 1, 0);
        struct rep r;
        rep(&r, 300);
    }

    struct {
        uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages, category_inverted, category_mask,
            category_anyof_mask, return_mask;
    } a;

    struct {
        uint64_t s, e, c;
    } v[16];

    char pm[64];
    snprintf(pm, 64, "/proc/%d/pagemap", cl);
    int f = open(pm, O_RDONLY);
#define SC(flags_)                                                                                                     \
    ({                                                                                                                 \
        memset(&a, 0, sizeof a);                                                                                       \
        a.size = sizeof a;                                                                                             \
        a.flags = flags_;                                                                                              \
        a.start = (uint64_t)B_;                                                                                        \
        a.end = a.start + LEN;                                                                                         \
        a.vec = (uint64_t)v;                                                                                           \
        a.vec_len = 16;                                                                                                \
        a.category_mask = 2;                                                                                           \
        a.return_mask = 2;                                                                                             \
        ioctl(f, _IOWR('f', 16, typeof(a)), &a);                                                                       \
    })
    int r = SC(1 | 2);
    say("B PAGEMAP_SCAN(WP_MATCHING|CHECK_WPASYNC) on client: r=%d %s first=[+%ld,+%ld)", r,
        r < 0 ? strerror(errno) : "", (long)(v[0].s - a.start) / 4096, (long)(v[0].e - a.start) / 4096);
    r = SC(1 | 2);
    say("again (nothing written): r=%d", r);
    req(WR, 2, 9);
    EXPECT("client write to p2 (async WP: no event expected)");
    show("  w", 300);
    r = SC(1 | 2);
    say("scan: r=%d [+%ld,+%ld)", r, (long)(v[0].s - a.start) / 4096, (long)(v[0].e - a.start) / 4096);
}

static void t_fork(void) {
    for (int m = 0; m < 2; m++) {
        feats = FEAT_ALL;
        rmode = M_MISS | M_WP | (m ? M_MIN : 0);
        setup();
        say("-- registered MISSING%s, no EVENT_FORK", m ? "|MINOR" : "");
        req(WR, 0, 42);
        EXPECT("w");
        copy(ufd, B_, 1, 0);
        show("  w", 300);
        punch(0, 1);
        req(WRX, 0, 0);
        EXPECT("forked child reads EVICTED page");
        show("  child's value (truth 42)", 3000);
        req(RD, 0, 0);
        EXPECT("parent reads the page after that");
        cont(ufd, B_, 0);
        show("  parent's value (truth 42)", 300);
        kill(cl, 9);
    }
}

static void t_exit(void) {
    feats = FEAT_ALL;
    rmode = M_MISS;
    setup();
    req(QUIT, 0, 0);
    usleep(100000);
    struct pollfd p = {ufd, POLLIN, 0};
    int r = poll(&p, 1, 300);
    say("client exited: poll(uffd)=%d revents=0x%x", r, p.revents);
    say("COPY: %s", E(copy(ufd, B_, 1, 0)));
}

static void t_append(void) {
    feats = FEAT_ALL | UFFD_FEATURE_EVENT_FORK;
    rmode = M_MISS | M_MIN | M_WP;
    setup();
    req(WRX, 0, 0);
    EXPECT("client fork with EVENT_FORK");
    struct rep rr;
    say("fork completed: %s", rep(&rr, 200) ? "yes" : "child not finished (its fault is on the new uffd)");
}

static void run(const char *n, void (*f)(void)) {
    printf("== %s\n", n);
    fflush(stdout);
    pid_t p = fork();
    if (!p) {
        alarm(8);
        f();
        fflush(stdout);
        if (cl) {
            kill(cl, SIGKILL);
        }
        _exit(0);
    }
    int st;
    waitpid(p, &st, 0);
    if (WIFSIGNALED(st)) {
        printf("   !! test killed by signal %d\n", WTERMSIG(st));
    } else if (WEXITSTATUS(st)) {
        printf("   !! exit %d\n", WEXITSTATUS(st));
    }
}

int main(int c, char **v) {
    S = mmap(0, PS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    setvbuf(stdout, 0, _IOLBF, 0);
#define T(x)                                                                                                           \
    if (c < 2 || !strcmp(v[1], #x))                                                                                    \
    run(#x, t_##x)
    T(api);
    T(ioctls_shm);
    T(ioctls_anon);
    T(punch);
    T(anon_wp);
    T(death1);
    T(death2);
    T(death3);
    T(death_wp);
    T(events);
    T(usermode);
    T(kernmode);
    T(vmreadv);
    T(poison);
    T(move_same);
    T(scan);
    T(fork);
    T(exit);
    T(append);
    return 0;
}
