/* SPDX-License-Identifier: MIT */
/* What the subcommands about tokens share. */
#ifndef AR_COMMAND_TOKEN_H
#define AR_COMMAND_TOKEN_H

#include "json_out.h"
#include "store_token.h"

/* Writes a token's row as a JSON object, up to its last member but not its end. */
void command_token_write(struct json_out *o, const struct store_token *t);

/* Is it fit to be a token's name? */
bool command_token_named(struct str name);

#endif
