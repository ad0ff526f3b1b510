/* SPDX-License-Identifier: MIT */
/* The log: one line of key=value an event, to stderr. Each line is one write(2), so lines of
 * threads never mix. */
#ifndef AR_LOG_H
#define AR_LOG_H

#include "base.h"

enum log_level { LOG_LVL_ERROR, LOG_LVL_WARN, LOG_LVL_INFO, LOG_LVL_DEBUG };

/* The program's name for every line, and the least level that is written. Call once, before threads
 * start. `program` must live as long as the process. */
void log_init(const char *program, enum log_level least);

/* "error", "warn", "info", "debug" → level. 0, or -1. */
int log_level_parse(struct str word, enum log_level *level) AR_MUST_CHECK;

/* Writes `time=… level=… program=… event=<event>` and the formatted pairs. `fmt` yields key=value
 * pairs by hand; text from outside goes through "%s" only with log_quote. Newlines and control
 * characters in the line are replaced. Any thread; never fails. */
void log_at(enum log_level level, const char *event, const char *fmt, ...) AR_PRINTF(3, 4);

#define log_error(event, ...) log_at(LOG_LVL_ERROR, event, __VA_ARGS__)
#define log_warn(event, ...)  log_at(LOG_LVL_WARN, event, __VA_ARGS__)
#define log_info(event, ...)  log_at(LOG_LVL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...) log_at(LOG_LVL_DEBUG, event, __VA_ARGS__)

enum { LOG_QUOTE_MAX = 256 };

/* `text` in double quotes with quotes and backslashes escaped, cut to fit, in the caller's room;
 * returns room. */
const char *log_quote(char room[LOG_QUOTE_MAX], const char *text);

#endif
