/* SPDX-License-Identifier: MIT */
/* The same service with one transaction a request: its writer takes one change at a time. This
 * takes the place of fcgi/writer.c. */
#define WRITER_BATCH_MAX WRITER_BATCH_OF_THE_SERVICE
#include "writer.h"
#undef WRITER_BATCH_MAX
#define WRITER_BATCH_MAX 1
#include "writer.c"
