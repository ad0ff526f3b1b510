/* SPDX-License-Identifier: MIT */
/*
 * The log.
 *
 * A file is opened anew by putting the new one in the place of the old one, under the same number:
 * a line that is written meanwhile goes to one of the two, whole.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log_json.h"

enum { LINE_MAX_BYTES = 2048, HEAD_MAX_BYTES = 512, JSON_MAX_BYTES = 16 * 1024 };

static const char *const level_words[] = {
    [LOG_LVL_ERROR] = "error",
    [LOG_LVL_WARN] = "warn",
    [LOG_LVL_INFO] = "info",
    [LOG_LVL_DEBUG] = "debug",
};

/* Set by log_init and log_to before threads start, constant after. */
static const char *log_program = "anteroom";
static enum log_level log_least = LOG_LVL_INFO;
static enum log_format log_format = LOG_TEXT;
static const char *log_file; /* NULL: stderr */
static int log_fd = STDERR_FILENO;

void log_init(const char *program, enum log_level least)
{
    log_program = program;
    log_least = least;
}

bool log_wants(enum log_level level)
{
    return level <= log_least;
}

/* ---- where it goes ---- */

static int open_file(const char *file)
{
    return open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
}

/* Said to stderr, where the lines go then. */
static void say_closed(const char *file, int why)
{
    char room[LOG_QUOTE_MAX], more[LOG_QUOTE_MAX];

    log_error("log", "file=%s error=%s to=stderr", log_quote(room, file),
              log_quote(more, strerrordesc_np(why)));
}

void log_to(enum log_format format, const char *file)
{
    int fd, why = 0;

    log_format = format;
    if (!file)
        return;
    fd = open_file(file);
    if (fd < 0) {
        why = errno;
        fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    }
    if (fd >= 0) {
        log_fd = fd;
        log_file = file;
    }
    if (why)
        say_closed(file, why);
}

void log_reopen(void)
{
    int fd, why = 0;

    if (!log_file)
        return;
    fd = open_file(log_file);
    if (fd < 0)
        why = errno;
    (void)dup3(fd < 0 ? STDERR_FILENO : fd, log_fd, O_CLOEXEC);
    if (fd >= 0)
        (void)close(fd);
    if (why)
        say_closed(log_file, why);
    else
        log_info("log", "state=reopened");
}

/* ---- lines ---- */

static void put(const char *line, size_t n)
{
    ssize_t written = write(log_fd, line, n);

    (void)written; /* nobody is left to tell */
}

static void write_text(enum log_level level, const char *event, struct str pairs)
{
    char line[LINE_MAX_BYTES + HEAD_MAX_BYTES], room[HEAD_MAX_BYTES] = "";
    struct buf head = BUF_IN(room);
    struct clock_zone zone = {0};
    int n;

    buf_str(&head, "time=");
    clock_write(&head, &zone, clock_now());
    buf_printf(&head, " level=%s program=%s event=%s ", level_words[level], log_program, event);
    n = snprintf(line, sizeof line, "%s%.*s\n", room, (int)pairs.n, pairs.p);
    put(line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

static void write_json(enum log_level level, const char *event, struct str pairs)
{
    static const char *const taken[] = {"time", "level", "program", "event", NULL};
    char room[JSON_MAX_BYTES], room_of_time[64];
    struct buf b = BUF_IN(room), time = BUF_IN(room_of_time);
    struct json_out o = JSON_OUT(&b);
    struct clock_zone zone = {0};

    clock_write(&time, &zone, clock_now());
    json_open(&o, '{');
    json_key(&o, "time");
    json_put_str(&o, buf_span(&time));
    json_key(&o, "level");
    json_put_str(&o, str_of(level_words[level]));
    json_key(&o, "program");
    json_put_str(&o, str_of(log_program));
    json_key(&o, "event");
    json_put_str(&o, str_of(event));
    log_json_pairs(&o, taken, pairs);
    json_close(&o, '}');
    buf_char(&b, '\n');
    if (!b.failed)
        put(b.data, b.len);
}

void log_at(enum log_level level, const char *event, const char *fmt, ...)
{
    char pairs[LINE_MAX_BYTES];
    size_t i, n;
    va_list ap;

    if (level > log_least)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(pairs, sizeof pairs, fmt, ap);
    va_end(ap);
    n = strlen(pairs);
    for (i = 0; i < n; i++) {
        if ((unsigned char)pairs[i] < ' ' || pairs[i] == 0x7f)
            pairs[i] = ' ';
    }
    if (log_format == LOG_JSON)
        write_json(level, event, (struct str){pairs, n});
    else
        write_text(level, event, (struct str){pairs, n});
}

const char *log_quote(char room[LOG_QUOTE_MAX], const char *text)
{
    size_t n = 0;

    room[n++] = '"';
    for (; *text && n < LOG_QUOTE_MAX - 3; text++) {
        if (*text == '"' || *text == '\\')
            room[n++] = '\\';
        room[n++] = *text;
    }
    room[n++] = '"';
    room[n] = '\0';
    return room;
}
