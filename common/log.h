/* SPDX-License-Identifier: MIT */
/* The log: one line an event, of key=value or of JSON, to stderr or to a file. Each line is one
 * write(2), so lines of threads, and of programs that share a file, never mix. */
#ifndef AR_LOG_H
#define AR_LOG_H

#include "base.h"

enum log_level { LOG_LVL_ERROR, LOG_LVL_WARN, LOG_LVL_INFO, LOG_LVL_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* The program's name for every line, and the least level that is written. Call once, before threads
 * start. `program` must live as long as the process. */
void log_init(const char *program, enum log_level least);

/* Lines are of this format from now on, and go to the file (made with mode 0640, appended to;
 * NULL: to stderr). One that can't be opened: to stderr, which is said there. Call once, before
 * threads start; `file` must live as long as the process. */
void log_to(enum log_format format, const char *file);

/* Opens the file anew: somebody has moved it away. Does nothing without one. Any thread. */
void log_reopen(void);

/* Would a line of this level be written? */
bool log_wants(enum log_level level);

/* Writes time, level, program, event and the formatted pairs. `fmt` yields key=value pairs by hand,
 * as log_json.h reads them; text from outside goes through "%s" only with log_quote. Newlines and
 * control characters in the line are replaced. Any thread; never fails. */
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
