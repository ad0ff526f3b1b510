/* SPDX-License-Identifier: MIT */
/* Functions that nobody here may call: a use does not compile.
 * What to use instead stands beside. */
#ifndef AR_BANNED_H
#define AR_BANNED_H

/* The system's headers go first, since they may name these functions themselves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Some are macros where the C library checks the sizes of buffers. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strncat stpcpy /* buf_*, snprintf */
#pragma GCC poison sprintf vsprintf gets                /* snprintf, buf_printf */
#pragma GCC poison atoi atol atoll atof sscanf          /* num_* */
#pragma GCC poison strtok strerror                      /* strtok_r, strerror_r (err_errno) */
#pragma GCC poison localtime gmtime ctime asctime       /* the _r forms, in clock.c */
#pragma GCC poison system popen                         /* no shell, ever */

/* A word that libraries use for their own parameters can't be poisoned; calling the function is an
 * error. */
int rand(void) __attribute__((unavailable("use getrandom")));
void srand(unsigned) __attribute__((unavailable("use getrandom")));

#endif
