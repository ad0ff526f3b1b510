/* SPDX-License-Identifier: MIT */
/* Files that a source reads whole, and small private ones that it keeps between runs. Any thread.
 */
#ifndef AR_FILES_H
#define AR_FILES_H

#include "buf.h"

/* Appends the whole file to b. 0, or -1: ERR_CONFIG "<path>: <what is wrong>", also when it is
 * larger than b may become. */
int files_read(const char *path, struct buf *b, struct err *e) AR_MUST_CHECK;

/* The same for a file with secrets: an ordinary one that others may neither read nor write, and its
 * group not write. Only what is wrong is said, never what stands in it. */
int files_secret(const char *path, struct buf *b, struct err *e) AR_MUST_CHECK;

/* The same for a file that files_keep has written. false, whatever the reason: there is none, or
 * none that can be trusted, because it is not ours alone. */
bool files_kept(const char *path, struct buf *b) AR_MUST_CHECK;

/* Replaces the file as a whole; nobody else may read it. 0, or -1: ERR_UNAVAILABLE. */
int files_keep(const char *path, struct str text, struct err *e) AR_MUST_CHECK;

/* Is this, where a path is meant, what stands in such a file? Then it must not be shown. Pure. */
bool files_is_pem(struct str path);

/* Frees the buffer; what was in it is not left in memory. */
void files_wipe(struct buf *b);

#endif
