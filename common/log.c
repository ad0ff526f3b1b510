/* SPDX-License-Identifier: MIT */
/* The log. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"

enum { LINE_MAX_BYTES = 2048 };

static const char *const level_words[] = {
    [LOG_LVL_ERROR] = "error",
    [LOG_LVL_WARN] = "warn",
    [LOG_LVL_INFO] = "info",
    [LOG_LVL_DEBUG] = "debug",
};

/* Set by log_init before threads start, constant after. */
static const char *log_program = "anteroom";
static enum log_level log_least = LOG_LVL_INFO;

void log_init(const char *program, enum log_level least)
{
    log_program = program;
    log_least = least;
}

int log_level_parse(struct str word, enum log_level *level)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(level_words); i++) {
        if (str_is(word, level_words[i])) {
            *level = (enum log_level)i;
            return 0;
        }
    }
    return -1;
}

void log_at(enum log_level level, const char *event, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    struct buf head = BUF_INIT(512);
    struct clock_zone zone = {0};
    size_t n, i;
    ssize_t written;
    va_list ap;

    if (level > log_least)
        return;
    buf_str(&head, "time=");
    clock_write(&head, &zone, clock_now());
    buf_printf(&head, " level=%s program=%s event=%s ", level_words[level], log_program, event);
    n = (size_t)snprintf(line, sizeof line, "%s", head.data ? head.data : "");
    buf_free(&head);
    va_start(ap, fmt);
    (void)vsnprintf(line + n, sizeof line - n - 1, fmt, ap);
    va_end(ap);
    n = strlen(line);
    for (i = 0; i < n; i++) {
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = ' ';
    }
    line[n++] = '\n';
    written = write(STDERR_FILENO, line, n);
    (void)written; /* nobody is left to tell */
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
