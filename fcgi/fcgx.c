/* SPDX-License-Identifier: MIT */
/*
 * FastCGI, by libfcgi.
 *
 * libfcgi is used below its accepting layer: we accept, and hand it a socket on which a request has
 * begun to come in. When a request ends well the socket stays ours (keepConnection), whatever the
 * web server wants, so that the library does not linger in its close; when the library meets an
 * error it closes the socket itself. Large pieces of an answer go past its 8 KiB writer, straight
 * from our buffer as FastCGI records.
 */
#include "fcgx.h"

#include <errno.h>
#include <fastcgi.h>
#include <fcgiapp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    DIRECT_AT = 4096,    /* from here on copying costs more than a write of its own */
    RECORD_MAX = 0xfff8, /* bytes in one record: the most, rounded down to eight */
    DRAIN_MAX =
        2 * HTTP_BODY_MAX /* of a body that nobody wants; beyond it the connection is given up */
};

struct fcgx {
    FCGX_Request request;
    bool keep;   /* the web server wants to use the connection again */
    bool broken; /* a record may be half written: nothing more may be sent */
};

int fcgx_init(struct err *e)
{
    /* How long its close() waits for the peer, in ms. */
    if (setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "200", 1) != 0 || FCGX_Init() != 0)
        return err_set(e, ERR_INTERNAL, "cannot prepare libfcgi");
    return 0;
}

struct fcgx *fcgx_new(int fd)
{
    struct fcgx *c = calloc(1, sizeof *c);

    if (!c || FCGX_InitRequest(&c->request, -1, 0) != 0) {
        free(c);
        (void)close(fd);
        return NULL;
    }
    c->request.ipcFd = fd;
    c->request.keepConnection = 1;
    return c;
}

void fcgx_free(struct fcgx *c)
{
    if (!c)
        return;
    FCGX_Free(&c->request, 0);
    if (c->request.ipcFd >= 0)
        (void)close(c->request.ipcFd);
    free(c);
}

int fcgx_fd(const struct fcgx *c)
{
    return c->request.ipcFd;
}

int fcgx_accept(struct fcgx *c)
{
    if (FCGX_Accept_r(&c->request) != 0) {
        c->request.ipcFd = -1;
        return -1;
    }
    /* A connection that ends between two records of the parameters looks like their end to it. */
    if (FCGX_GetError(c->request.in) != 0)
        return -1;
    c->keep = c->request.keepConnection != 0;
    c->request.keepConnection = 1;
    return 0;
}

static const char *carry_param(void *link, const char *name)
{
    struct fcgx *c = link;

    return FCGX_GetParam(name, c->request.envp);
}

static size_t carry_read(void *link, char *room, size_t n)
{
    struct fcgx *c = link;
    int got = FCGX_GetStr(room, (int)n, c->request.in);

    return got > 0 ? (size_t)got : 0;
}

/* Sends header and content; the kernel may take them in pieces. */
static int write_record(int fd, FCGI_Header *header, const char *p, size_t n)
{
    struct iovec part[2] = {{header, sizeof *header}, {(void *)(uintptr_t)p, n}};
    struct msghdr message = {.msg_iov = part, .msg_iovlen = 2};
    ssize_t sent;

    while (message.msg_iovlen > 0) {
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -1;
        while (message.msg_iovlen > 0 && (size_t)sent >= message.msg_iov->iov_len) {
            sent -= (ssize_t)message.msg_iov->iov_len;
            message.msg_iov++;
            message.msg_iovlen--;
        }
        if (message.msg_iovlen > 0) {
            message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + sent;
            message.msg_iov->iov_len -= (size_t)sent;
        }
    }
    return 0;
}

static int send_direct(struct fcgx *c, const char *p, size_t n)
{
    FCGI_Header header = {.version = FCGI_VERSION_1,
                          .type = FCGI_STDOUT,
                          .requestIdB1 = (unsigned char)(c->request.requestId >> 8),
                          .requestIdB0 = (unsigned char)c->request.requestId};

    if (FCGX_FFlush(c->request.out) != 0)
        return -1;
    while (n > 0) {
        size_t some = n < RECORD_MAX ? n : RECORD_MAX;

        header.contentLengthB1 = (unsigned char)(some >> 8);
        header.contentLengthB0 = (unsigned char)some;
        if (write_record(c->request.ipcFd, &header, p, some) != 0)
            return -1;
        p += some;
        n -= some;
    }
    return 0;
}

static int carry_send(void *link, const char *p, size_t n)
{
    struct fcgx *c = link;
    bool ok;

    if (n < DIRECT_AT)
        ok = FCGX_PutStr(p, (int)n, c->request.out) == (int)n;
    else
        ok = send_direct(c, p, n) == 0;
    c->broken = c->broken || !ok;
    return ok ? 0 : -1;
}

const struct http_carrier fcgx_carrier = {
    .param = carry_param, .read = carry_read, .send = carry_send, .framed = true};

/* What is left of the body must go, or the next request would begin in its middle. */
static bool drain(struct fcgx *c)
{
    char trash[8192];
    size_t sum = 0;
    int n;

    do {
        n = FCGX_GetStr(trash, sizeof trash, c->request.in);
        sum += n > 0 ? (size_t)n : 0;
    } while (n == (int)sizeof trash && sum <= DRAIN_MAX);
    return n < (int)sizeof trash && FCGX_GetError(c->request.in) == 0;
}

bool fcgx_finish(struct fcgx *c)
{
    if (c->broken || !drain(c))
        return false;
    FCGX_Finish_r(&c->request);
    return c->request.ipcFd >= 0 && c->keep;
}
