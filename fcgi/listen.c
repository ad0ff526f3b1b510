/* SPDX-License-Identifier: MIT */
/* The listening socket. */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "num.h"

/* A short queue lost tens of thousands of connections when clients came all at once. */
enum { BACKLOG = 1024, SYSTEMD_FD = 3 };

static int set_flags(int fd, struct err *e)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return err_errno(e, ERR_UNAVAILABLE, "cannot prepare the listening socket");
    return 0;
}

/* Frees the path for a socket of ours: a socket that nobody listens on any more is removed. */
static int clear_path(const struct sockaddr_un *address, struct err *e)
{
    const char *path = address->sun_path;
    struct stat st;
    int fd, rc;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : err_errno(e, ERR_UNAVAILABLE, "cannot look at %s", path);
    if (!S_ISSOCK(st.st_mode))
        return err_set(e, ERR_UNAVAILABLE, "%s is there already and is no socket", path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(e, ERR_UNAVAILABLE, "cannot make a socket");
    rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
    if (rc == 0 || errno != ECONNREFUSED)
        rc = err_set(e, ERR_UNAVAILABLE, "another server listens on %s", path);
    else if (unlink(path) != 0)
        rc = err_errno(e, ERR_UNAVAILABLE, "cannot remove the dead socket %s", path);
    else
        rc = 0;
    (void)close(fd);
    return rc;
}

static int open_unix(const char *path, struct listener *l, struct err *e)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    mode_t mask;
    int fd, rc;

    if (n == 0 || n >= sizeof address.sun_path)
        return err_set(e, ERR_UNAVAILABLE, "a socket's path must have 1 to %zu bytes, not %zu",
                       sizeof address.sun_path - 1, n);
    memcpy(address.sun_path, path, n);
    if (clear_path(&address, e) != 0)
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(e, ERR_UNAVAILABLE, "cannot make a socket");
    mask = umask(0117); /* rw-rw----, from the first moment */
    rc = bind(fd, (const struct sockaddr *)&address, sizeof address);
    (void)umask(mask);
    if (rc != 0 || listen(fd, BACKLOG) != 0) {
        (void)err_errno(e, ERR_UNAVAILABLE, "cannot listen on %s", path);
        (void)close(fd);
        return -1;
    }
    *l = (struct listener){.fd = fd, .path = path};
    return 0;
}

/* "HOST:PORT" → its two parts; brackets round an IPv6 address go. */
static int split_address(const char *where, char host[256], const char **port, struct err *e)
{
    const char *colon = strrchr(where, ':');
    size_t n = colon ? (size_t)(colon - where) : 0;
    int64_t number;

    if (n >= 2 && where[0] == '[' && where[n - 1] == ']') {
        where++;
        n -= 2;
    }
    if (n == 0 || n > 255 || num_i64(str_of(colon + 1), 0, 65535, &number) != 0)
        return err_set(e, ERR_UNAVAILABLE, "\"%s\" is no address: unix:PATH or HOST:PORT is needed",
                       where);
    memcpy(host, where, n);
    host[n] = '\0';
    *port = colon + 1;
    return 0;
}

static int open_tcp(const char *where, struct listener *l, struct err *e)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    const char *port = NULL;
    char host[256];
    int fd, rc, on = 1;

    if (split_address(where, host, &port, e) != 0)
        return -1;
    rc = getaddrinfo(host, port, &hints, &found);
    if (rc != 0)
        return err_set(e, ERR_UNAVAILABLE, "%s: %s", where, gai_strerror(rc));
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) {
        freeaddrinfo(found);
        *l = (struct listener){.fd = fd};
        return 0;
    }
    (void)err_errno(e, ERR_UNAVAILABLE, "cannot listen on %s", where);
    freeaddrinfo(found);
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

int listen_open(const char *where, struct listener *l, struct err *e)
{
    return strncmp(where, "unix:", 5) == 0 ? open_unix(where + 5, l, e) : open_tcp(where, l, e);
}

static bool is_listening(int fd)
{
    int on = 0;
    socklen_t n = sizeof on;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on != 0;
}

/* Does systemd hand over exactly one socket, to this very process? */
static bool from_systemd(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    int64_t number;

    return pid && count && num_i64(str_of(pid), 1, INT32_MAX, &number) == 0 && number == getpid() &&
           num_i64(str_of(count), 1, 1, &number) == 0;
}

int listen_inherit(struct listener *l, struct err *e)
{
    int fd = from_systemd() ? SYSTEMD_FD : STDIN_FILENO;

    if (!is_listening(fd))
        return fd == STDIN_FILENO
                   ? 0
                   : err_set(e, ERR_UNAVAILABLE, "descriptor 3 is no listening socket");
    if (set_flags(fd, e) != 0)
        return -1;
    *l = (struct listener){.fd = fd};
    return 1;
}

void listen_hide(struct listener *l)
{
    if (l->path)
        (void)unlink(l->path);
    l->path = NULL;
}

void listen_close(struct listener *l)
{
    listen_hide(l);
    if (l->fd > STDIN_FILENO)
        (void)close(l->fd);
    l->fd = -1;
}
