/* SPDX-License-Identifier: MIT */
/*
 * Lists in pages. All pages show the cluster at the moment of the first one, which is why no
 * resourceVersion is asked for and why, when that moment has been forgotten (410), all begins anew:
 * the token that such an answer offers would go on at another moment, and skip or repeat what has
 * changed between the two.
 */
#include "kube_list.h"

#include <string.h>

#include "json_in.h"
#include "utf8.h"

enum {
    PAGE = 500,
    PAGES_MAX = 2000,
    BEGINNINGS_MAX = 4, /* the first, and three more */
    TOKEN_MAX = 4096,
    GONE = 410
};

/* What a page says besides its items. */
struct page {
    struct json_picker *picker;
    const struct kube_list *list;
    bool kind, items; /* were there */
    struct buf next;  /* the token of the page after it */
};

enum { KIND, CONTINUE };

static int take_kind(void *ctx, int which, struct str name, struct str text, struct err *e)
{
    struct page *p = ctx;

    (void)which;
    (void)name;
    if (!str_is(text, p->list->kind))
        return err_set(e, ERR_UNAVAILABLE, "is \"%.*s\", not %s", (int)(text.n < 40 ? text.n : 40),
                       text.p, p->list->kind);
    return 0;
}

static int take_continue(void *ctx, int which, struct str name, struct str text, struct err *e)
{
    struct page *p = ctx;

    (void)which;
    (void)name;
    buf_reset(&p->next);
    buf_add(&p->next, text.p, text.n);
    return buf_check(&p->next, "a token for the next page", e);
}

static int take_piece(void *ctx, struct str piece, struct err *e)
{
    struct page *p = ctx;

    struct buf name = BUF_INIT(1024);
    struct str at;

    if (json_picker_feed(p->picker, piece, e) == 0)
        return 0;
    at = utf8_cut(str_of(e->pointer), JSON_POINTER_SHOWN);
    if (at.n > 0)
        (void)err_wrap(e, "%.*s", (int)at.n, at.p);
    p->list->called(p->list->items.ctx, &name);
    if (name.len)
        (void)err_wrap(e, "%s", name.data);
    buf_free(&name);
    return -1;
}

/* ---- one page ---- */

static void add_encoded(struct buf *b, struct str text)
{
    size_t i;

    for (i = 0; i < text.n; i++) {
        char c = text.p[i];

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            (c && strchr("-._~", c)))
            buf_char(b, c);
        else
            buf_printf(b, "%%%02X", (unsigned)(unsigned char)c);
    }
}

static int write_path(const struct kube_list *list, struct str token, struct buf *b, struct err *e)
{
    buf_printf(b, "%s?limit=%d%s", list->path, PAGE, list->query);
    if (token.n) {
        buf_str(b, "&continue=");
        add_encoded(b, token);
    }
    return buf_check(b, "a page's URL", e);
}

/* Is what came a whole page? */
static int check_page(struct page *p, struct err *e)
{
    if (json_picker_finish(p->picker, e) != 0)
        return -1;
    if (!p->kind || !p->items)
        return err_set(e, ERR_UNAVAILABLE, "it has no %s", p->kind ? "items" : "kind");
    return 0;
}

static int read_page(struct kube_api *api, struct page *p, struct str token, int *status,
                     struct err *e)
{
    struct buf path = BUF_INIT(4 * TOKEN_MAX);
    struct kube_get get = {.what = p->list->what, .take = take_piece, .ctx = p};
    int rc = write_path(p->list, token, &path, e);

    get.path = path.data;
    if (rc == 0)
        rc = kube_api_get(api, &get, status, e);
    if (rc == 0 && check_page(p, e) != 0)
        rc = err_wrap(e, "cannot %s: the answer makes no sense", p->list->what);
    buf_free(&path);
    return rc;
}

/* Reads the page of a token, "" being the first; *token is then that of the next. */
static int turn_page(struct kube_api *api, const struct kube_list *list, struct buf *token,
                     int *status, struct err *e)
{
    static const struct json_pick metadata[] = {
        {.name = STR_LIT("continue"), .kind = PICK_TEXT, .take = take_continue},
        {.which = 0},
    };
    struct page p = {.list = list, .next = BUF_INIT(TOKEN_MAX)};
    struct json_pick table[] = {
        {.name = STR_LIT("kind"), .kind = PICK_TEXT, .take = take_kind, .seen = &p.kind},
        {.name = STR_LIT("metadata"), .kind = PICK_OBJECT, .inside = metadata},
        list->items,
        {.which = 0},
    };
    int rc;

    table[2].seen = &p.items;
    p.picker = json_picker_new(table, &p);
    if (!p.picker)
        return err_set(e, ERR_INTERNAL, "out of memory while reading a list");
    rc = read_page(api, &p, buf_span(token), status, e);
    json_picker_free(p.picker);
    if (rc == 0 && p.next.len && str_eq(buf_span(&p.next), buf_span(token)))
        rc = err_set(e, ERR_UNAVAILABLE, "cannot %s: a page names itself as the next", list->what);
    buf_reset(token);
    buf_add(token, p.next.data, p.next.len);
    buf_free(&p.next);
    return rc;
}

/* ---- all pages ---- */

static int read_pages(struct kube_api *api, const struct kube_list *list, int *status,
                      struct err *e)
{
    struct buf token = BUF_INIT(TOKEN_MAX);
    int rc = 0, pages = 0;

    do {
        if (pages++ == PAGES_MAX)
            rc = err_set(e, ERR_UNAVAILABLE, "cannot %s: there are more than %d pages", list->what,
                         PAGES_MAX);
        else
            rc = turn_page(api, list, &token, status, e);
    } while (rc == 0 && token.len > 0);
    buf_free(&token);
    return rc;
}

int kube_list_read(struct kube_api *api, const struct kube_list *list, int *status, struct err *e)
{
    int i, rc = -1;

    *status = GONE;
    for (i = 0; rc != 0 && *status == GONE && i < BEGINNINGS_MAX; i++) {
        *status = 0;
        list->again(list->ctx);
        rc = read_pages(api, list, status, e);
    }
    return rc;
}
