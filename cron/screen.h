/* SPDX-License-Identifier: MIT */
/* A whole terminal that is drawn on again and again, with keys. It gets back what it was, however
 * the program is ended but by kill -9. */
#ifndef AR_SCREEN_H
#define AR_SCREEN_H

#include <termios.h>

#include "err.h"

struct screen {
    int signals;
    bool keys; /* standard input is a terminal */
    struct termios before;
};

/* Takes standard output, which is a terminal. 0 and *s (screen_end), or -1. */
int screen_begin(struct screen *s, struct err *e) AR_MUST_CHECK;
void screen_end(struct screen *s);

/* Its size; 80 by 24 where nobody knows. */
void screen_size(int *width, int *height);

/* What follows is drawn from the upper left corner of an empty screen; standard output is to be
 * flushed behind it. */
void screen_draw(void);

/* Waits for at most so many ns. */
enum screen_news { SCREEN_NOTHING, SCREEN_RESIZED, SCREEN_KEY, SCREEN_QUIT /* q, Ctrl-C, … */ };
enum screen_news screen_wait(struct screen *s, int64_t ns);

#endif
