/* SPDX-License-Identifier: MIT */
/* A whole terminal that is drawn on again and again. */
#include "screen.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"
#include "signals.h"

enum { KEYS_MAX = 64, END_OF_INPUT = 4, CTRL_C = 3 };

/* The other screen, without a cursor. */
static const char enter[] = "\033[?1049h\033[?25l", leave[] = "\033[?25h\033[?1049l";

static void take(struct screen *s)
{
    struct termios raw = s->before;

    if (s->keys) {
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    (void)fputs(enter, stdout);
    (void)fflush(stdout);
}

static void give_back(struct screen *s)
{
    (void)fputs(leave, stdout);
    (void)fflush(stdout);
    if (s->keys)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &s->before);
}

int screen_begin(struct screen *s, struct err *e)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};

    *s = (struct screen){0};
    s->signals = signals_open(numbers, ARRAY_LEN(numbers), e);
    if (s->signals < 0)
        return -1;
    s->keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &s->before) == 0;
    take(s);
    return 0;
}

void screen_end(struct screen *s)
{
    give_back(s);
    (void)close(s->signals);
}

void screen_size(int *width, int *height)
{
    struct winsize size = {0};
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;

    *width = known ? size.ws_col : 80;
    *height = known ? size.ws_row : 24;
}

void screen_draw(void)
{
    (void)fputs("\033[H\033[J", stdout);
}

/* Ctrl-Z: the shell gets its terminal, until it says to go on. */
static void rest(struct screen *s)
{
    give_back(s);
    (void)kill(getpid(), SIGSTOP);
    take(s);
}

static enum screen_news take_signal(struct screen *s)
{
    int number = signals_take(s->signals);

    if (number == SIGTSTP)
        rest(s);
    return number == 0                               ? SCREEN_NOTHING
           : number == SIGWINCH || number == SIGTSTP ? SCREEN_RESIZED
                                                     : SCREEN_QUIT;
}

static enum screen_news take_keys(void)
{
    char key[KEYS_MAX];
    ssize_t i, n = read(STDIN_FILENO, key, sizeof key);

    if (n <= 0)
        return SCREEN_QUIT; /* the terminal has gone */
    for (i = 0; i < n; i++) {
        if (key[i] == 'q' || key[i] == 'Q' || key[i] == END_OF_INPUT || key[i] == CTRL_C)
            return SCREEN_QUIT;
    }
    return SCREEN_KEY;
}

enum screen_news screen_wait(struct screen *s, int64_t ns)
{
    struct pollfd on[] = {{.fd = s->signals, .events = POLLIN},
                          {.fd = s->keys ? STDIN_FILENO : -1, .events = POLLIN}};

    if (poll(on, ARRAY_LEN(on), (int)(ns / NS_PER_MS)) <= 0)
        return SCREEN_NOTHING;
    return on[0].revents ? take_signal(s) : take_keys();
}
