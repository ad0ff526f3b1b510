/* SPDX-License-Identifier: MIT */
/* The tables and indices that a database of this version has. */
#ifndef AR_STORE_CHECK_SCHEMA_H
#define AR_STORE_CHECK_SCHEMA_H

#include "db_look.h"

/* Calls fn, with a sentence in the first column, for each that the file lacks, and for each that it
 * has beyond them. fn as in db_look_rows. */
int store_check_schema(struct db_look *l, db_look_row_fn *fn, void *ctx,
                       struct err *e) AR_MUST_CHECK;

#endif
