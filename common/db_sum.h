/* SPDX-License-Identifier: MIT */
/*
 * Checksums of a database's pages, and those of SQLite's write-ahead log. Pure; any thread.
 *
 * A page of ours ends with DB_SUM_BYTES that SQLite leaves alone ("reserved", byte 20 of the file's
 * header): the sum of all before it and of the page's number, in little-endian order. Whatever is
 * changed within eight bytes that lie at a multiple of eight changes the sum, so every flipped byte
 * does; other changes do but for one in 2^64.
 */
#ifndef AR_DB_SUM_H
#define AR_DB_SUM_H

#include "base.h"

enum { DB_SUM_BYTES = 8 };

/* The sum of a page of `size` bytes (a power of two from 512 on), and is it what the page ends
 * with? `page` need not be aligned. */
uint64_t db_sum_of(const void *page, size_t size, uint32_t number);
bool db_sum_holds(const void *page, size_t size, uint32_t number);
/* Ends the page with its sum. */
void db_sum_put(void *page, size_t size, uint32_t number);

/* The first bytes of a file: is it a database whose pages end with sums? n >= DB_SUM_HEAD. */
enum { DB_SUM_HEAD = 100 };
bool db_sum_in_head(const void *head);

/* Of a file whose head says that there are no sums: does the page have one nonetheless? Page 1 is
 * looked at as if its head said so (it is as it was when this returns). */
bool db_sum_denied(void *page, size_t size, uint32_t number);

/*
 * The log (https://www.sqlite.org/fileformat2.html#the_write_ahead_log): a header, then frames of a
 * header and a page each. The checksum of a frame covers the first eight bytes of its header, its
 * page, and what the frame before it (the log's header for the first) ends its header with.
 */
enum { DB_SUM_LOG_HEAD = 32, DB_SUM_FRAME_HEAD = 24 };

/* Both halves as they are in the file, big-endian: the last eight bytes of a header. */
struct db_sum_chain {
    uint32_t a, b;
};
struct db_sum_chain db_sum_chain_at(const void *stored);

/* The header of the log agrees with its own checksum. */
bool db_sum_log_head_holds(const void *head);
/* The frame agrees with its checksum, `before` being the one before it. `size` is the page's. */
bool db_sum_frame_holds(const void *frame, size_t size, struct db_sum_chain before);

/* Numbers of headers are big-endian. */
uint32_t db_sum_u32(const void *p);

#endif
