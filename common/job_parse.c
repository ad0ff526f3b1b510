/* SPDX-License-Identifier: MIT */
/*
 * What clients send: a new job, or a change of one.
 *
 * Both go through one table of members. Its readers fill one record, from which job_new and
 * job_change then take what is theirs.
 */
#include <stdlib.h>
#include <string.h>

#include "demand.h"
#include "job.h"
#include "num.h"
#include "pool.h"
#include "utf8.h"

/* In the order in which they are read and complained about.
 * `data` is last: it alone holds memory. */
enum member {
    REQUEST_ID,
    OWNER_ID,
    CALLBACK,
    PRIORITY,
    NOT_BEFORE,
    VALID_UNTIL,
    MOVE,
    STATUS,
    DATA,
    MEMBERS
};

enum mode { NEW = 1, CHANGE = 2, NEEDED = 4 /* of a new job */ };

struct reading {
    const struct conf_queue *queue;
    struct str type;
    enum mode mode;
    bool has[MEMBERS];
    struct str request_id, owner_id, callback;
    struct job_target target;
    struct job_priority priority;
    int64_t not_before, valid_until;
    enum job_move move;
    struct str beside;
    enum job_status status;
    struct str data, scope, shape; /* in memory */
    char *memory;
};

/* ---- names ---- */

/* Is the (valid) character at i a control character? They are U+0000 to U+001F and U+007F to
 * U+009F; the latter begin with the byte C2. */
static bool is_control(struct str text, size_t i)
{
    unsigned char c = (unsigned char)text.p[i];

    if (c < 0x20 || c == 0x7F)
        return true;
    return c == 0xC2 && (unsigned char)text.p[i + 1] < 0xA0;
}

static int check_text(struct str text, const char *what, struct err *e)
{
    size_t i, n;

    if (text.n == 0 || text.n > JOB_NAME_MAX)
        return err_set(e, ERR_INVALID, "%s must be 1 to %d bytes long", what, JOB_NAME_MAX);
    for (i = 0; i < text.n; i += n) {
        n = utf8_length(text.p + i, text.p + text.n);
        if (n == 0)
            return err_set(e, ERR_INVALID, "%s must be valid UTF-8", what);
        if (is_control(text, i))
            return err_set(e, ERR_INVALID, "%s must not hold control characters", what);
    }
    return 0;
}

static bool is_dots(struct str part)
{
    return str_is(part, ".") || str_is(part, "..");
}

int job_check_name(struct str text, const char *what, struct err *e)
{
    if (check_text(text, what, e) != 0)
        return -1;
    if (is_dots(text))
        return err_set(e, ERR_INVALID,
                       "%s must not be \".\" or \"..\", which can't stand in a path", what);
    return 0;
}

/* Web servers decode %2F before they resolve dots to choose where a request goes: behind nginx
 * /v1/vm/..%2F.. is the console. */
int job_check_new_name(struct str text, const char *what, struct err *e)
{
    size_t i, start = 0;

    if (job_check_name(text, what, e) != 0)
        return -1;
    for (i = 0; i <= text.n; i++) {
        if (i < text.n && text.p[i] != '/')
            continue;
        if (is_dots((struct str){text.p + start, i - start}))
            return err_set(e, ERR_INVALID,
                           "no part of %s between slashes may be \".\" or \"..\", which can't "
                           "stand in a path",
                           what);
        start = i + 1;
    }
    return 0;
}

/* ---- the members, one by one ---- */

static int take_string(const json_value *v, const char *pointer, struct str *text, struct err *e)
{
    if (json_kind(v) != JSON_STRING)
        return err_at(e, ERR_INVALID, pointer, "%s must be a string, not %s", pointer + 1,
                      json_kind_word(json_kind(v)));
    *text = json_string(v);
    return 0;
}

static int take_request_id(struct reading *r, json_value *v, struct err *e)
{
    if (take_string(v, "/request_id", &r->request_id, e) != 0)
        return -1;
    return job_check_new_name(r->request_id, "request_id", e) == 0 ? 0
                                                                   : err_under(e, "/request_id");
}

static int take_owner_id(struct reading *r, json_value *v, struct err *e)
{
    if (take_string(v, "/owner_id", &r->owner_id, e) != 0)
        return -1;
    return check_text(r->owner_id, "owner_id", e) == 0 ? 0 : err_under(e, "/owner_id");
}

static int take_callback(struct reading *r, json_value *v, struct err *e)
{
    if (take_string(v, "/callback", &r->callback, e) != 0)
        return -1;
    return job_check_callback(r->queue, r->type, r->callback, &r->target, e);
}

static int take_priority(struct reading *r, json_value *v, struct err *e)
{
    struct job_priority p;

    if (json_kind(v) != JSON_NUMBER)
        return err_at(e, ERR_INVALID, "/priority", "priority must be a number, not %s",
                      json_kind_word(json_kind(v)));
    if (num_decimal(json_number(v), -NUM_SAFE_MAX, NUM_SAFE_MAX, &p.whole, &p.between) != 0 ||
        (p.between && p.whole == NUM_SAFE_MAX))
        return err_at(e, ERR_INVALID, "/priority", "priority must be within +-(2^53-1)");
    r->priority = p;
    return 0;
}

/* In a change null takes the time away. The first nanosecond of 1970 becomes the second one, since
 * 0 means "not set". */
static int take_time(const struct reading *r, const json_value *v, const char *pointer, int64_t *ns,
                     struct err *e)
{
    struct str text = {0};

    if (r->mode == CHANGE && json_kind(v) == JSON_NULL) {
        *ns = 0;
        return 0;
    }
    if (take_string(v, pointer, &text, e) != 0)
        return -1;
    if (clock_parse(text, ns) != 0)
        return err_at(e, ERR_INVALID, pointer,
                      "%s must be a time after RFC 3339 between 1970 and 2262, as in "
                      "2030-01-31T09:00:00+08:00",
                      pointer + 1);
    *ns += *ns == 0;
    return 0;
}

static int take_not_before(struct reading *r, json_value *v, struct err *e)
{
    return take_time(r, v, "/not_before", &r->not_before, e);
}

static int take_valid_until(struct reading *r, json_value *v, struct err *e)
{
    return take_time(r, v, "/valid_until", &r->valid_until, e);
}

static int refuse_move(struct err *e)
{
    return err_at(e, ERR_INVALID, "/move",
                  "move must be \"front\", \"back\", {\"before\": \"<request_id>\"} or "
                  "{\"after\": \"<request_id>\"}");
}

static int take_beside(struct reading *r, const json_value *v, struct err *e)
{
    struct json_iter it = {0}, more;
    bool before;

    if (!json_next(v, &it))
        return refuse_move(e);
    more = it;
    before = str_is(it.name, "before");
    if (json_next(v, &more) || (!before && !str_is(it.name, "after")))
        return refuse_move(e);
    r->move = before ? JOB_BEFORE : JOB_AFTER;
    if (json_kind(it.value) != JSON_STRING)
        return err_at(e, ERR_INVALID, before ? "/move/before" : "/move/after",
                      "the job to move beside must be named by its request_id, a string");
    r->beside = json_string(it.value);
    if (job_check_name(r->beside, "request_id", e) != 0)
        return err_under(e, before ? "/move/before" : "/move/after");
    return 0;
}

static int take_move(struct reading *r, json_value *v, struct err *e)
{
    if (json_kind(v) == JSON_OBJECT)
        return take_beside(r, v, e);
    if (json_kind(v) == JSON_STRING && str_is(json_string(v), "front"))
        r->move = JOB_TO_FRONT;
    else if (json_kind(v) == JSON_STRING && str_is(json_string(v), "back"))
        r->move = JOB_TO_BACK;
    else
        return refuse_move(e);
    return 0;
}

static int take_status(struct reading *r, json_value *v, struct err *e)
{
    struct buf known = BUF_INIT(ERR_TEXT_MAX);
    int s;

    if (json_kind(v) == JSON_STRING && job_status_parse(json_string(v), &r->status) == 0)
        return 0;
    for (s = 0; s < JOB_STATUSES; s++) {
        buf_str(&known, s == 0 ? "" : s == JOB_STATUSES - 1 ? " or " : ", ");
        buf_str(&known, job_status_word((enum job_status)s));
    }
    (void)err_at(e, ERR_INVALID, "/status", "status must be %s", buf_span(&known).p);
    buf_free(&known);
    return -1;
}

/* ---- data ---- */

/* Writes the aggregate that serves the project into data of a virtual machine, as the seed does,
 * where the configuration knows it. The scope stays the project's: it follows the configuration
 * when that changes. */
static int resolve_aggregate(const struct reading *r, json_value *data, struct err *e)
{
    json_value *project, *given;
    struct str name;

    if (!str_is(r->queue->rules, "vm") || conf_asks(r->queue) ||
        json_member(data, "host_aggregate", &given) || !json_member(data, "project", &project))
        return 0;
    name = pool_aggregate(conf_pools(r->queue), json_string(project));
    return name.p ? json_set_string(data, "host_aggregate", name, e) : 0;
}

static int too_long(struct err *e)
{
    return err_at(e, ERR_INVALID, "/data", "data must be at most %d bytes as compact JSON",
                  JOB_DATA_MAX);
}

int job_add_aggregate(struct str data, struct str name, struct buf *b, struct err *e)
{
    size_t start = b->len;
    struct json_doc *doc;
    int rc;

    if (json_in_parse(data, &doc, e) != 0)
        return -1;
    rc = json_set_string(json_in_root(doc), "host_aggregate", name, e);
    if (rc == 0) {
        json_write_sorted(json_in_root(doc), b);
        rc = buf_check(b, "the job's data", e);
    }
    json_in_free(doc);
    return rc == 0 && b->len - start > JOB_DATA_MAX ? too_long(e) : rc;
}

/* Keeps the texts, one behind the other, in one piece of memory. */
static int keep_data(struct reading *r, const json_value *data, const struct demand *d,
                     struct err *e)
{
    struct buf b = BUF_INIT(JSON_TEXT_MAX);
    size_t shape, scope;

    json_write_sorted(data, &b);
    shape = b.len;
    demand_write_shape(d, &b);
    scope = b.len;
    buf_add(&b, d->scope.p, d->scope.n);
    if (!b.failed && (shape > JOB_DATA_MAX || scope - shape > JOB_DATA_MAX)) {
        buf_free(&b);
        return too_long(e);
    }
    r->memory = buf_take(&b);
    if (!r->memory)
        return err_set(e, ERR_INTERNAL, "no memory for a job's data");
    r->data = (struct str){r->memory, shape};
    r->shape = (struct str){r->memory + shape, scope - shape};
    r->scope = (struct str){r->memory + scope, d->scope.n};
    return 0;
}

static int take_data(struct reading *r, json_value *v, struct err *e)
{
    struct demand *d;
    int rc;

    if (demand_parse(r->queue->rules, v, &d, e) != 0)
        return -1;
    rc = resolve_aggregate(r, v, e);
    if (rc == 0)
        rc = keep_data(r, v, d, e);
    demand_free(d);
    return rc;
}

/* ---- the table ---- */

static const struct {
    const char *name, *pointer;
    unsigned modes;
    int (*take)(struct reading *r, json_value *v, struct err *e);
} table[] = {
    [REQUEST_ID] = {"request_id", "/request_id", NEW | NEEDED, take_request_id},
    [OWNER_ID] = {"owner_id", "/owner_id", NEW | NEEDED, take_owner_id},
    [CALLBACK] = {"callback", "/callback", NEW | CHANGE | NEEDED, take_callback},
    [PRIORITY] = {"priority", "/priority", NEW | CHANGE, take_priority},
    [NOT_BEFORE] = {"not_before", "/not_before", NEW | CHANGE, take_not_before},
    [VALID_UNTIL] = {"valid_until", "/valid_until", NEW | CHANGE, take_valid_until},
    [MOVE] = {"move", "/move", CHANGE, take_move},
    [STATUS] = {"status", "/status", CHANGE, take_status},
    [DATA] = {"data", "/data", NEW | CHANGE | NEEDED, take_data},
};
_Static_assert(ARRAY_LEN(table) == MEMBERS, "every member has a reader");

static int refuse_unknown(const json_value *object, enum mode mode, struct err *e)
{
    const char *known[MEMBERS];
    size_t m, n = 0;

    for (m = 0; m < MEMBERS; m++) {
        if (table[m].modes & mode)
            known[n++] = table[m].name;
    }
    return json_only_members(object, known, n, e);
}

static int take_members(struct reading *r, const json_value *object, struct err *e)
{
    json_value *v;
    size_t m;

    for (m = 0; m < MEMBERS; m++) {
        if (!(table[m].modes & r->mode))
            continue;
        r->has[m] = json_member(object, table[m].name, &v);
        if (r->has[m] && table[m].take(r, v, e) != 0)
            return -1;
        if (!r->has[m] && r->mode == NEW && (table[m].modes & NEEDED))
            return err_at(e, ERR_INVALID, table[m].pointer, "%s is required", table[m].name);
    }
    return 0;
}

/* What no member can say by itself. */
static int check_together(const struct reading *r, struct err *e)
{
    size_t m, n = 0;

    for (m = 0; m < MEMBERS; m++)
        n += r->has[m];
    if (n == 0)
        return err_set(e, ERR_INVALID, "a change must name at least one member");
    if (r->has[PRIORITY] && r->has[MOVE])
        return err_at(e, ERR_INVALID, "/move", "give priority or move, not both");
    if (r->not_before != 0 && r->valid_until != 0 && r->valid_until <= r->not_before)
        return err_at(e, ERR_INVALID, "/valid_until", "valid_until must be later than not_before");
    return 0;
}

/* On failure nothing is left to be freed. */
static int read_object(struct reading *r, const json_value *object, struct err *e)
{
    if (json_kind(object) != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "the body must be an object, not %s",
                       json_kind_word(json_kind(object)));
    if (refuse_unknown(object, r->mode, e) != 0)
        return -1;
    if (take_members(r, object, e) == 0 && check_together(r, e) == 0)
        return 0;
    free(r->memory);
    return -1;
}

int job_parse_new(const struct conf_queue *queue, struct str type, json_value *object,
                  struct job_new *n, struct err *e)
{
    struct reading r = {.queue = queue, .type = type, .mode = NEW};

    if (read_object(&r, object, e) != 0)
        return -1;
    *n = (struct job_new){
        .type = type,
        .request_id = r.request_id,
        .owner_id = r.owner_id,
        .callback = r.callback,
        .target = r.target,
        .data = r.data,
        .scope = r.scope,
        .shape = r.shape,
        .has_priority = r.has[PRIORITY],
        .priority = r.priority,
        .not_before = r.not_before,
        .valid_until = r.valid_until,
        .memory = r.memory,
    };
    return 0;
}

void job_new_free(struct job_new *n)
{
    free(n->memory);
    *n = (struct job_new){0};
}

int job_parse_change(const struct conf_queue *queue, struct str type, json_value *object,
                     struct job_change *c, struct err *e)
{
    struct reading r = {.queue = queue, .type = type, .mode = CHANGE};

    if (read_object(&r, object, e) != 0)
        return -1;
    *c = (struct job_change){
        .has_priority = r.has[PRIORITY],
        .priority = r.priority,
        .move = r.move,
        .beside = r.beside,
        .has_status = r.has[STATUS],
        .status = r.status,
        .callback = r.callback,
        .target = r.target,
        .has_data = r.has[DATA],
        .data = r.data,
        .scope = r.scope,
        .shape = r.shape,
        .has_not_before = r.has[NOT_BEFORE],
        .has_valid_until = r.has[VALID_UNTIL],
        .not_before = r.not_before,
        .valid_until = r.valid_until,
        .memory = r.memory,
    };
    return 0;
}

void job_change_free(struct job_change *c)
{
    free(c->memory);
    *c = (struct job_change){0};
}
