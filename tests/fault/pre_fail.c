/* SPDX-License-Identifier: MIT */
/*
 * Lets the Nth call of one kind fail in a program of ours, once or from then on, with an errno that
 * such a call may give. What is to fail stands in a small file that the test and the program both
 * map, $ANTEROOM_FAIL (failing.py). Without it, and until it is armed, every call goes through.
 *
 * Calls go straight to the system, never to the function whose place is taken: nothing here
 * allocates, waits or is a bar to a signal. Memory is libc's own, by its inner names. What libc
 * calls inside itself (stdio, getaddrinfo's files) is not seen, but for its allocations.
 *
 * Not counted are allocations of libraries that end without memory, which $ANTEROOM_FAIL_SPARES
 * names (parts of file names, with ':' between), and those where libc looks a user up: it crashes.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fail_places.h"

/* In the order of KINDS in failing.py. */
enum kind {
    NOTHING,
    MEMORY,   /* malloc, calloc, realloc */
    OPEN,     /* open */
    READ,     /* read, pread of a file */
    WRITE,    /* write, pwrite of a file */
    LENGTH,   /* truncate, ftruncate, posix_fallocate */
    SYNC,     /* fsync, fdatasync */
    MAP,      /* mmap */
    NAME,     /* stat, lstat, fstat, statvfs, access, unlink, rename, mkfifo */
    LOCK,     /* flock, fcntl */
    SOCKET,   /* socket, bind, listen, connect, accept4 */
    RECEIVE,  /* recv, and read of what is no file */
    SEND,     /* send, sendmsg, and write to what is no file */
    DESCRIPT, /* epoll_create1, adding to an epoll set, eventfd, signalfd, pipe2 */
    WAIT,     /* poll, epoll_wait */
    THREAD,   /* pthread_create */
    KINDS
};

/* failing.py knows this layout. */
struct control {
    _Atomic int64_t kind, error, nth, forever; /* nth: 1 is the next call; 0: only count */
    _Atomic int64_t calls, fired;              /* since it was armed */
    _Atomic int64_t live; /* allocations that were not given back, but for SQLite's: its caches grow
                             with the database */
};

enum { SIGNALS = 64 };

/* Constant after the constructor. */
static struct control *control;

/* Is this call to fail? Sets errno. */
static bool fails(enum kind kind)
{
    int64_t nth, n;

    if (!control || atomic_load_explicit(&control->kind, memory_order_acquire) != (int64_t)kind)
        return false;
    n = atomic_fetch_add(&control->calls, 1) + 1;
    nth = atomic_load(&control->nth);
    if (nth == 0 || n < nth || (n > nth && !atomic_load(&control->forever)))
        return false;
    (void)atomic_fetch_add(&control->fired, 1);
    errno = (int)atomic_load(&control->error);
    return true;
}

static bool armed_for(enum kind a, enum kind b)
{
    int64_t kind = control ? atomic_load_explicit(&control->kind, memory_order_relaxed) : NOTHING;

    return kind == (int64_t)a || kind == (int64_t)b;
}

static bool is_file(int fd)
{
    struct stat st;

    return syscall(SYS_fstat, fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* A call on a descriptor is of one kind for a file and of another for all else. The standard ones,
 * to which the log goes, are left alone: a test is to read there why it left. */
static bool fails_on(int fd, enum kind file, enum kind other)
{
    return fd > STDERR_FILENO && armed_for(file, other) && fails(is_file(fd) ? file : other);
}

/* ---- start ---- */

static int (*real_pthread_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
static int (*real_statvfs)(const char *, struct statvfs *);
static _Thread_local bool looks_up; /* this thread looks a user up */

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("ANTEROOM_FAIL"), *spares = getenv("ANTEROOM_FAIL_SPARES");
    void *create = dlsym(RTLD_NEXT, "pthread_create"), *room = dlsym(RTLD_NEXT, "statvfs"), *p;
    int fd;

    memcpy(&real_pthread_create, &create, sizeof create);
    memcpy(&real_statvfs, &room, sizeof room);
    note_places(spares ? spares : "");
    fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    p = (void *)syscall(SYS_mmap, NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)syscall(SYS_close, fd);
    if (p != MAP_FAILED)
        control = p;
}

/* ---- memory ---- */

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void __libc_free(void *p);

static bool no_memory(const void *caller)
{
    return armed_for(MEMORY, MEMORY) && !looks_up && !is_in(&spared, caller) && fails(MEMORY);
}

struct passwd *getpwuid(uid_t uid)
{
    struct passwd *(*real)(uid_t uid) = dlsym(RTLD_NEXT, "getpwuid"), *user;

    looks_up = true;
    user = real(uid);
    looks_up = false;
    return user;
}

static void *count(void *p, int64_t n, const void *caller)
{
    if (p && control && !is_in(&sqlite, caller))
        (void)atomic_fetch_add_explicit(&control->live, n, memory_order_relaxed);
    return p;
}

void *malloc(size_t n)
{
    const void *caller = __builtin_return_address(0);

    return no_memory(caller) ? NULL : count(__libc_malloc(n), 1, caller);
}

void *calloc(size_t n, size_t size)
{
    const void *caller = __builtin_return_address(0);

    return no_memory(caller) ? NULL : count(__libc_calloc(n, size), 1, caller);
}

void *realloc(void *old, size_t n)
{
    const void *caller = __builtin_return_address(0);

    return no_memory(caller) ? NULL : count(__libc_realloc(old, n), old ? 0 : 1, caller);
}

void free(void *p)
{
    __libc_free(count(p, -1, __builtin_return_address(0)));
}

/* ---- files ---- */

/* The arguments of a call that are there or not. */
#define MORE(last, type, value)                                                                    \
    do {                                                                                           \
        va_list ap;                                                                                \
        va_start(ap, last);                                                                        \
        (value) = va_arg(ap, type);                                                                \
        va_end(ap);                                                                                \
    } while (0)

int open(const char *path, int flags, ...)
{
    unsigned mode = 0;

    if (flags & (O_CREAT | __O_TMPFILE))
        MORE(flags, unsigned, mode);
    return fails(OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    unsigned mode = 0;

    if (flags & (O_CREAT | __O_TMPFILE))
        MORE(flags, unsigned, mode);
    return fails(OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

ssize_t read(int fd, void *room, size_t n)
{
    return fails_on(fd, READ, RECEIVE) ? -1 : syscall(SYS_read, fd, room, n);
}

ssize_t write(int fd, const void *p, size_t n)
{
    return fails_on(fd, WRITE, SEND) ? -1 : syscall(SYS_write, fd, p, n);
}

ssize_t pread64(int fd, void *room, size_t n, off64_t at)
{
    return fails(READ) ? -1 : syscall(SYS_pread64, fd, room, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
    return fails(WRITE) ? -1 : syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t pread(int fd, void *room, size_t n, off_t at)
{
    return pread64(fd, room, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    return pwrite64(fd, p, n, at);
}

int truncate(const char *path, off_t n)
{
    return fails(LENGTH) ? -1 : (int)syscall(SYS_truncate, path, n);
}

int ftruncate(int fd, off_t n)
{
    return fails(LENGTH) ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

int ftruncate64(int fd, off64_t n)
{
    return fails(LENGTH) ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

/* It returns what others leave in errno. */
int posix_fallocate(int fd, off_t from, off_t n)
{
    if (fails(LENGTH))
        return errno;
    return syscall(SYS_fallocate, fd, 0, from, n) == 0 ? 0 : errno;
}

int fsync(int fd)
{
    return fails(SYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return fails(SYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t from)
{
    return fails(MAP) ? MAP_FAILED : (void *)syscall(SYS_mmap, at, n, protection, flags, fd, from);
}

void *mmap64(void *at, size_t n, int protection, int flags, int fd, off64_t from)
{
    return fails(MAP) ? MAP_FAILED : (void *)syscall(SYS_mmap, at, n, protection, flags, fd, from);
}

/* ---- names and locks ---- */

int stat(const char *path, struct stat *st)
{
    return fails(NAME) ? -1 : (int)syscall(SYS_newfstatat, AT_FDCWD, path, st, 0);
}

int stat64(const char *path, struct stat64 *st)
{
    return fails(NAME) ? -1 : (int)syscall(SYS_newfstatat, AT_FDCWD, path, st, 0);
}

int lstat(const char *path, struct stat *st)
{
    return fails(NAME) ? -1 : (int)syscall(SYS_newfstatat, AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

int lstat64(const char *path, struct stat64 *st)
{
    return fails(NAME) ? -1 : (int)syscall(SYS_newfstatat, AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

int fstat(int fd, struct stat *st)
{
    return fails(NAME) ? -1 : (int)syscall(SYS_fstat, fd, st);
}

int fstat64(int fd, struct stat64 *st)
{
    return fails(NAME) ? -1 : (int)syscall(SYS_fstat, fd, st);
}

int statvfs(const char *path, struct statvfs *fs)
{
    return fails(NAME) ? -1 : real_statvfs(path, fs);
}

int access(const char *path, int how)
{
    return fails(NAME) ? -1 : (int)syscall(SYS_faccessat, AT_FDCWD, path, how);
}

int unlink(const char *path)
{
    return fails(NAME) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int rename(const char *from, const char *to)
{
    return fails(NAME) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
    return fails(NAME) ? -1 : (int)syscall(SYS_renameat2, a, from, b, to, flags);
}

int flock(int fd, int how)
{
    return fails(LOCK) ? -1 : (int)syscall(SYS_flock, fd, how);
}

/* Giving a lock back, and what knows no lock, does not fail. */
static int do_fcntl(int fd, int command, void *more)
{
    bool lock = command == F_SETLK || command == F_OFD_SETLK || command == F_GETLK;

    if (lock && ((struct flock *)more)->l_type != F_UNLCK && fails(LOCK))
        return -1;
    return (int)syscall(SYS_fcntl, fd, command, more);
}

int fcntl(int fd, int command, ...)
{
    void *more;

    MORE(command, void *, more);
    return do_fcntl(fd, command, more);
}

int fcntl64(int fd, int command, ...)
{
    void *more;

    MORE(command, void *, more);
    return do_fcntl(fd, command, more);
}

/* ---- sockets and what waits ---- */

int socket(int domain, int type, int protocol)
{
    return fails(SOCKET) ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}

int bind(int fd, const struct sockaddr *address, socklen_t n)
{
    return fails(SOCKET) ? -1 : (int)syscall(SYS_bind, fd, address, n);
}

int listen(int fd, int backlog)
{
    return fails(SOCKET) ? -1 : (int)syscall(SYS_listen, fd, backlog);
}

int connect(int fd, const struct sockaddr *address, socklen_t n)
{
    return fails(SOCKET) ? -1 : (int)syscall(SYS_connect, fd, address, n);
}

int accept4(int fd, struct sockaddr *address, socklen_t *n, int flags)
{
    return fails(SOCKET) ? -1 : (int)syscall(SYS_accept4, fd, address, n, flags);
}

ssize_t recv(int fd, void *room, size_t n, int flags)
{
    return fails(RECEIVE) ? -1 : syscall(SYS_recvfrom, fd, room, n, flags, NULL, NULL);
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
    return fails(SEND) ? -1 : syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    return fails(SEND) ? -1 : syscall(SYS_sendmsg, fd, message, flags);
}

int epoll_create1(int flags)
{
    return fails(DESCRIPT) ? -1 : (int)syscall(SYS_epoll_create1, flags);
}

int epoll_ctl(int set, int op, int fd, struct epoll_event *event)
{
    /* Changing and taking out allocate nothing. */
    if (op == EPOLL_CTL_ADD && fails(DESCRIPT))
        return -1;
    return (int)syscall(SYS_epoll_ctl, set, op, fd, event);
}

int eventfd(unsigned count, int flags)
{
    return fails(DESCRIPT) ? -1 : (int)syscall(SYS_eventfd2, count, flags);
}

int signalfd(int fd, const sigset_t *set, int flags)
{
    return fails(DESCRIPT) ? -1 : (int)syscall(SYS_signalfd4, fd, set, SIGNALS / 8, flags);
}

int pipe2(int end[2], int flags)
{
    return fails(DESCRIPT) ? -1 : (int)syscall(SYS_pipe2, end, flags);
}

int epoll_wait(int set, struct epoll_event *event, int most, int ms)
{
    return fails(WAIT) ? -1
                       : (int)syscall(SYS_epoll_pwait, set, event, most, ms, NULL, SIGNALS / 8);
}

int poll(struct pollfd *of, nfds_t n, int ms)
{
    return fails(WAIT) ? -1 : (int)syscall(SYS_poll, of, n, ms);
}

/* ---- threads ---- */

/* It returns what others leave in errno. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    return fails(THREAD) ? errno : real_pthread_create(thread, attr, run, arg);
}
