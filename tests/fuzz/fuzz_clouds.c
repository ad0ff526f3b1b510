/* SPDX-License-Identifier: MIT */
/* clouds.yaml: the cloud "c" of a file. What is taken is complete, and makes a body for Keystone.
 */
#include "fuzz_file.h"

#include "cron/clouds.h"
#include "cron/keystone.h"
#include "json_in.h"

static void check_text(struct str text)
{
    if (text.p)
        MUST(text.p[text.n] == '\0');
}

static void check(const struct cloud *c)
{
    struct buf body = BUF_INIT(FUZZ_TEXT_MAX);
    struct str secret[CLOUD_SECRETS];
    struct json_doc *doc;
    struct err e;

    MUST(c->auth_url.n > 3 && memcmp(c->auth_url.p + c->auth_url.n - 3, "/v3", 3) == 0);
    MUST(c->method != CLOUD_PASSWORD || (c->password.p && (c->user.id.p || c->user.name.p)));
    MUST(c->method != CLOUD_CREDENTIAL ||
         (c->secret.p && (c->credential.id.p || c->credential.name.p)));
    MUST(c->method != CLOUD_TOKEN || c->token.p);
    MUST(c->interface.n > 0 && c->about.n > 0);
    check_text(c->region);
    check_text(c->placement);
    cloud_secrets(c, secret);
    keystone_write_auth(c, &body);
    MUST(!body.failed && json_in_parse(buf_span(&body), &doc, &e) == 0);
    json_in_free(doc);
    buf_free(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf_source source = {.cloud = STR_LIT("c")};
    char path[FUZZ_PATH_MAX];
    int fd = fuzz_file(fuzz_str(data, size), path);
    struct cloud *cloud;
    struct err e = {0};

    MUST(setenv("OS_CLIENT_CONFIG_FILE", path, 1) == 0 &&
         setenv("OS_CLIENT_SECURE_FILE", "/dev/null", 1) == 0);
    if (cloud_find(&source, &cloud, &e) == 0) {
        check(cloud);
        cloud_free(cloud);
    } else {
        MUST(e.code == ERR_CONFIG && e.text[0]);
    }
    (void)close(fd);
    return 0;
}
