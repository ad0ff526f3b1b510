/* SPDX-License-Identifier: MIT */
/* Which hosts are down: from Nova's list of hypervisors, whose ids are those of the hosts' root
 * providers in Placement. */
#include "openstack_down.h"

#include "answer.h"
#include "openstack_words.h"
#include "source.h"

enum { PATH_BYTES_MAX = 1024, MARKER_MAX = 64 };

struct asking {
    const struct openstack_api *api;
    struct openstack_down *down;
    size_t seen;
    bool more;
    char marker[MARKER_MAX]; /* "": from the first one on */
};

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while reading the hypervisors");
}

/* ---- an answer ---- */

/* Is one of the links to the next page? */
static bool has_next(const json_value *root)
{
    json_value *links, *rel;
    size_t i;

    if (!json_member(root, "hypervisors_links", &links) || json_kind(links) != JSON_ARRAY)
        return false;
    for (i = 0; i < json_length(links); i++) {
        if (json_kind(json_at(links, i)) == JSON_OBJECT &&
            json_member(json_at(links, i), "rel", &rel) && json_kind(rel) == JSON_STRING &&
            str_is(json_string(rel), "next"))
            return true;
    }
    return false;
}

int openstack_down_read(const json_value *root, struct intern *uuid,
                        struct openstack_down_page *page, struct err *e)
{
    struct str state;
    json_value *list;

    *page = (struct openstack_down_page){0};
    if (answer_member(root, "hypervisors", JSON_ARRAY, &list, e) != 0)
        return -1;
    for (; page->n < json_length(list); page->n++) {
        if (answer_text(json_at(list, page->n), "id", &page->last, e) != 0 ||
            answer_text(json_at(list, page->n), "state", &state, e) != 0)
            return err_wrap(e, "hypervisors[%zu]", page->n);
        if (str_is(state, "down") && intern_add(uuid, page->last) == INTERN_NONE)
            return no_memory(e);
    }
    page->more = page->n > 0 && has_next(root);
    return 0;
}

/* It is not an error, and said nevertheless. */
static int remain_unknown(struct asking *q, const struct openstack_call *call, struct err *e)
{
    int64_t newest;

    if (call->status == 406 && openstack_words_newest(buf_span(&call->body), &newest) == 0)
        (void)err_set(e, ERR_UNAVAILABLE, "Nova knows up to 2.%lld, and 2.53 is needed",
                      (long long)newest);
    else
        (void)openstack_api_refused(q->api, call, e);
    return arena_copy(q->down->uuid.arena, str_of(e->text), &q->down->unknown) == 0 ? 0
                                                                                    : no_memory(e);
}

static int take_page(struct asking *q, const json_value *root, struct err *e)
{
    struct openstack_down_page page;

    if (openstack_down_read(root, &q->down->uuid, &page, e) != 0)
        return -1;
    q->seen += page.n;
    q->more = page.more;
    if (q->seen > SOURCE_HOSTS_MAX)
        return err_set(e, ERR_UNAVAILABLE, "there are more than %d hypervisors", SOURCE_HOSTS_MAX);
    if (page.more && page.last.n >= sizeof q->marker)
        return err_set(e, ERR_UNAVAILABLE, "a hypervisor's id is longer than a uuid");
    if (page.more)
        (void)snprintf(q->marker, sizeof q->marker, "%.*s", (int)page.last.n, page.last.p);
    return 0;
}

static int on_answer(void *ctx, struct openstack_call *call, struct err *e)
{
    struct asking *q = ctx;
    struct json_doc *doc;
    int failed;

    if (call->optional &&
        (call->status == 401 || call->status == 403 || call->status == 404 || call->status == 406))
        return remain_unknown(q, call, e);
    if (openstack_api_json(q->api, call, &doc, e) != 0)
        return -1;
    failed = take_page(q, json_in_root(doc), e);
    if (failed)
        (void)err_wrap(e, "Nova's answer makes no sense");
    json_in_free(doc);
    return failed;
}

/* ---- asking ---- */

int openstack_down_ask(struct openstack_api *api, struct openstack_down *d, struct err *e)
{
    struct asking q = {.api = api, .down = d, .more = true};
    struct buf path = BUF_INIT(PATH_BYTES_MAX);
    int failed = 0;

    if (!openstack_api_reaches(api, KEYSTONE_COMPUTE)) {
        d->unknown = STR_LIT("Keystone's catalog has no Nova for this user");
        return 0;
    }
    while (!failed && q.more) {
        struct openstack_call call = {
            .service = KEYSTONE_COMPUTE, .version = "compute 2.53", .optional = q.seen == 0};

        buf_reset(&path);
        buf_str(&path, "/os-hypervisors");
        if (*q.marker) {
            buf_str(&path, "?marker=");
            openstack_add_encoded(&path, str_of(q.marker));
        }
        q.more = false;
        call.path = path.data;
        failed = buf_check(&path, "a request to Nova", e) != 0 ||
                 openstack_api_run(api, &call, 1, on_answer, &q, e) != 0;
    }
    buf_free(&path);
    return failed ? -1 : 0;
}
