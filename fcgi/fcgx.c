/* SPDX-License-Identifier: MIT */
/*
 * FastCGI, by libfcgi.
 *
 * libfcgi is used below its accepting layer: we accept, and hand it a socket on which a request has
 * begun to come in. When a request ends well the socket stays ours (keepConnection), whatever the
 * web server wants, so that the library does not linger in its close; when the library meets an
 * error it closes the socket itself. Large pieces of an answer go past its 8 KiB writer, straight
 * from our buffer as FastCGI records; and so does whatever follows them, be it small: the library
 * would block where the socket is full, while we know for how long to wait (slow.h).
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
    struct slow *slow;         /* constant */
    struct slow_answer answer; /* what went past the library */
    bool keep;                 /* the web server wants to use the connection again */
    bool broken;               /* a record may be half written, or the request has no end */
};

int fcgx_init(struct err *e)
{
    /* How long its close() waits for the peer, in ms. */
    if (setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "200", 1) != 0 || FCGX_Init() != 0)
        return err_set(e, ERR_INTERNAL, "cannot prepare libfcgi");
    return 0;
}

struct fcgx *fcgx_new(int fd, struct slow *slow)
{
    struct fcgx *c = calloc(1, sizeof *c);

    if (!c || FCGX_InitRequest(&c->request, -1, 0) != 0) {
        free(c);
        (void)close(fd);
        return NULL;
    }
    c->slow = slow;
    c->request.ipcFd = fd;
    c->request.keepConnection = 1;
    return c;
}

void fcgx_free(struct fcgx *c)
{
    if (!c)
        return;
    slow_end(c->slow, &c->answer);
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
    c->answer = (struct slow_answer){0};
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
static int write_record(struct fcgx *c, FCGI_Header *header, const char *p, size_t n)
{
    struct iovec part[2] = {{header, sizeof *header}, {(void *)(uintptr_t)p, n}};
    struct msghdr message = {.msg_iov = part, .msg_iovlen = 2};
    ssize_t sent;

    while (message.msg_iovlen > 0) {
        sent = sendmsg(c->request.ipcFd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EINTR || (errno == EAGAIN &&
                                            slow_wait(c->slow, &c->answer, c->request.ipcFd) == 0)))
            continue;
        if (sent < 0)
            return -1;
        c->answer.sent += sent;
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

static FCGI_Header header_of(const struct fcgx *c, unsigned char type, size_t length)
{
    return (FCGI_Header){.version = FCGI_VERSION_1,
                         .type = type,
                         .requestIdB1 = (unsigned char)(c->request.requestId >> 8),
                         .requestIdB0 = (unsigned char)c->request.requestId,
                         .contentLengthB1 = (unsigned char)(length >> 8),
                         .contentLengthB0 = (unsigned char)length};
}

static int send_direct(struct fcgx *c, const char *p, size_t n)
{
    FCGI_Header header;
    size_t some;

    if (c->answer.sent == 0 && FCGX_FFlush(c->request.out) != 0)
        return -1;
    for (; n > 0; n -= some, p += some) {
        some = n < RECORD_MAX ? n : RECORD_MAX;
        header = header_of(c, FCGI_STDOUT, some);
        if (write_record(c, &header, p, some) != 0)
            return -1;
    }
    return 0;
}

/* What the library's own end would send. */
static int end_direct(struct fcgx *c)
{
    FCGI_Header header = header_of(c, FCGI_STDOUT, 0);
    FCGI_EndRequestRecord end = {.header = header_of(c, FCGI_END_REQUEST, sizeof end.body)};

    end.body.protocolStatus = FCGI_REQUEST_COMPLETE;
    if (write_record(c, &header, (const char *)&end, sizeof end) != 0)
        return -1;
    FCGX_Free(&c->request, 0);
    return 0;
}

static int carry_send(void *link, const char *p, size_t n)
{
    struct fcgx *c = link;
    bool ok;

    if (n < DIRECT_AT && c->answer.sent == 0)
        ok = FCGX_PutStr(p, (int)n, c->request.out) == (int)n;
    else
        ok = send_direct(c, p, n) == 0;
    c->broken = c->broken || !ok;
    return ok ? 0 : -1;
}

static bool carry_full(void *link)
{
    const struct fcgx *c = link;

    return slow_full(c->slow);
}

const struct http_carrier fcgx_carrier = {.param = carry_param,
                                          .read = carry_read,
                                          .send = carry_send,
                                          .full = carry_full,
                                          .framed = true};

/* It must go, or the next request would begin in its middle. */
bool fcgx_rest(struct fcgx *c)
{
    char trash[8192];
    size_t sum = 0;
    int n;

    if (c->broken)
        return false;
    do {
        n = FCGX_GetStr(trash, sizeof trash, c->request.in);
        sum += n > 0 ? (size_t)n : 0;
    } while (n == (int)sizeof trash && sum <= DRAIN_MAX);
    c->broken = n == (int)sizeof trash || FCGX_GetError(c->request.in) != 0;
    return !c->broken;
}

bool fcgx_finish(struct fcgx *c)
{
    if (!fcgx_rest(c))
        return false;
    if (c->answer.sent == 0)
        FCGX_Finish_r(&c->request);
    else if (end_direct(c) != 0)
        return false;
    slow_end(c->slow, &c->answer);
    return c->request.ipcFd >= 0 && c->keep;
}
