/* SPDX-License-Identifier: MIT */
/*
 * Pods out of a list. What one pod has of containers and statuses is collected, in places that the
 * next one uses again, until it ends: its members may come in any order. Of its 8 KB these tables
 * name what counts; the rest is skipped.
 *
 * A pod that asks for more than can be counted is told of as that, and is no error: anybody may ask
 * for anything, and bind it to a node that is down, and must not keep all others waiting.
 */
#include "kube_pod.h"

#include <stdlib.h>
#include <string.h>

#include "intern.h"
#include "kube_request.h"
#include "quantity.h"

enum {
    PARTS_MAX = 4096,
    NAMES_MEMORY_MAX = 4 << 20,
    NAMES_KEPT = 1024 /* from pod to pod; those of one have room: etcd takes 1.5 MB of it */
};

/* What the lines of the tables are. */
enum {
    POD,
    NAME,
    SPACE,
    NODE,
    PHASE,
    CONDITION_TYPE,
    CONDITION_REASON,
    TEXTS, /* so many texts of a pod are kept */
    CONDITION,
    OVERHEAD,
    OWN,
    OWN_STATUS,
    CONTAINER,
    INIT,
    STATUS,
    PART_NAME,
    PART_RESTART,
    PART_RESOURCES,
    PART_AMOUNTS
};

struct kube_pods {
    kube_pod_fn *fn;
    void *ctx;
    struct arena *memory; /* of the names of resources */
    struct intern names;
    char text[TEXTS][KUBE_NAME_MAX + 1];
    struct kube_shape shape; /* its `part` is ours */
    struct kube_part *part;
    size_t parts, cap; /* made so far, of which shape.parts are this pod's */
    bool pending;      /* a resize is pending, as a condition before has said */
    bool refused;      /* it asks for more than can be counted */
    struct kube_amounts sum;
};

struct kube_pods *kube_pods_new(kube_pod_fn *fn, void *ctx)
{
    struct kube_pods *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->fn = fn;
    p->ctx = ctx;
    p->memory = arena_new(NAMES_MEMORY_MAX);
    p->names.arena = p->memory;
    if (!p->memory) {
        kube_pods_free(p);
        return NULL;
    }
    return p;
}

void kube_pods_free(struct kube_pods *p)
{
    size_t i;

    if (!p)
        return;
    for (i = 0; i < p->parts; i++)
        kube_amounts_free(&p->part[i].requests);
    free(p->part);
    kube_amounts_free(&p->shape.own);
    kube_amounts_free(&p->shape.own_status);
    kube_amounts_free(&p->shape.overhead);
    kube_amounts_free(&p->sum);
    intern_free(&p->names);
    arena_free(p->memory);
    free(p);
}

/* A fault: of the pod's, which asks for more than can be counted, or a want of memory. */
static int refuse(struct kube_pods *p, const struct err *why, struct err *e)
{
    if (why->code == ERR_INTERNAL) {
        *e = *why;
        return -1;
    }
    p->refused = true;
    return 0;
}

/* ---- what is taken ---- */

static int copy_name(char room[KUBE_NAME_MAX + 1], struct str text, struct err *e)
{
    if (text.n > KUBE_NAME_MAX)
        return err_set(e, ERR_UNAVAILABLE, "is longer than %d bytes", KUBE_NAME_MAX);
    memcpy(room, text.p, text.n);
    room[text.n] = '\0';
    return 0;
}

static int take_text(void *ctx, int which, struct str name, struct str text, struct err *e)
{
    struct kube_pods *p = ctx;

    (void)name;
    if (which >= PHASE && text.n > KUBE_NAME_MAX)
        text.n = 0; /* a word that nobody here knows */
    return copy_name(p->text[which], text, e);
}

/* The part that is under way. */
static struct kube_part *current(struct kube_pods *p)
{
    return &p->part[p->shape.parts - 1];
}

static int take_part(void *ctx, int which, struct str name, struct str text, struct err *e)
{
    struct kube_part *part = current(ctx);

    (void)name;
    if (which == PART_NAME)
        return copy_name(part->name, text, e);
    if (part->kind == KUBE_INIT && str_is(text, "Always"))
        part->kind = KUBE_SIDECAR;
    return 0;
}

/* May the pod as a whole ask for it? */
static bool is_own(struct str resource)
{
    static const char huge[] = "hugepages-";

    return str_is(resource, "cpu") || str_is(resource, "memory") ||
           (resource.n >= sizeof huge - 1 && memcmp(resource.p, huge, sizeof huge - 1) == 0);
}

static int take_amount(void *ctx, int which, struct str name, struct str text, struct err *e)
{
    struct kube_pods *p = ctx;
    struct kube_amounts *to = which == OVERHEAD     ? &p->shape.overhead
                              : which == OWN        ? &p->shape.own
                              : which == OWN_STATUS ? &p->shape.own_status
                                                    : &current(p)->requests;
    int64_t milli = INT64_MAX;
    size_t resource;
    struct err why;

    if (p->refused)
        return 0;
    if ((which == OWN || which == OWN_STATUS) && !is_own(name))
        return 0;
    if (quantity_read(text, 1000, &milli) < 0)
        return err_set(e, ERR_UNAVAILABLE, "is no quantity: \"%.*s\"",
                       (int)(text.n < 40 ? text.n : 40), text.p);
    if (milli == 0 && which != OWN && which != OWN_STATUS)
        return 0; /* what no node needs to have, so that a bound pod may have any number of it */
    resource = intern_add(&p->names, name);
    if (resource == INTERN_NONE)
        return err_set(e, ERR_INTERNAL, "out of memory for names of resources");
    return kube_amounts_raise(to, resource, milli, &why) == 0 ? 0 : refuse(p, &why, e);
}

/* ---- what begins and ends ---- */

/* Their numbers are one pod's, so they may go between two. */
static int forget_names(struct kube_pods *p, struct err *e)
{
    struct arena *fresh = arena_new(NAMES_MEMORY_MAX);

    if (!fresh)
        return err_set(e, ERR_INTERNAL, "out of memory for names of resources");
    intern_free(&p->names);
    arena_free(p->memory);
    p->memory = p->names.arena = fresh;
    return 0;
}

static int begin_pod(void *ctx, int which, struct err *e)
{
    struct kube_pods *p = ctx;
    size_t i;

    (void)which;
    for (i = 0; i < TEXTS; i++)
        p->text[i][0] = '\0';
    p->shape.parts = 0;
    p->shape.own.n = p->shape.own_status.n = p->shape.overhead.n = 0;
    p->shape.infeasible = p->pending = p->refused = false;
    return p->names.n > NAMES_KEPT ? forget_names(p, e) : 0;
}

static int grow_parts(struct kube_pods *p, struct err *e)
{
    size_t cap = p->cap ? p->cap * 2 : 16;
    struct kube_part *part;

    if (p->shape.parts == PARTS_MAX)
        return err_set(e, ERR_UNAVAILABLE, "there are more than %d containers", PARTS_MAX);
    if (p->shape.parts < p->parts)
        return 0;
    if (p->parts == p->cap) {
        part = realloc(p->part, cap * sizeof *part);
        if (!part)
            return err_set(e, ERR_INTERNAL, "out of memory while reading a pod");
        p->part = part;
        p->cap = cap;
    }
    p->part[p->parts++] = (struct kube_part){0};
    return 0;
}

static int begin_part(void *ctx, int which, struct err *e)
{
    static const enum kube_part_kind kinds[] = {
        [CONTAINER] = KUBE_CONTAINER, [INIT] = KUBE_INIT, [STATUS] = KUBE_STATUS};
    struct kube_pods *p = ctx;
    struct kube_part *part;
    struct err why;

    if (grow_parts(p, &why) != 0)
        return refuse(p, &why, e);
    p->shape.parts++;
    part = current(p);
    part->kind = kinds[which];
    part->name[0] = '\0';
    part->requests.n = 0;
    part->resources = false;
    return 0;
}

static int begin_resources(void *ctx, int which, struct err *e)
{
    (void)which;
    (void)e;
    current(ctx)->resources = true;
    return 0;
}

static int begin_condition(void *ctx, int which, struct err *e)
{
    struct kube_pods *p = ctx;

    (void)which;
    (void)e;
    p->text[CONDITION_TYPE][0] = p->text[CONDITION_REASON][0] = '\0';
    return 0;
}

/* The first condition of its type is the one that counts. */
static int end_condition(void *ctx, int which, struct err *e)
{
    struct kube_pods *p = ctx;

    (void)which;
    (void)e;
    if (p->pending || strcmp(p->text[CONDITION_TYPE], "PodResizePending") != 0)
        return 0;
    p->pending = true;
    p->shape.infeasible = strcmp(p->text[CONDITION_REASON], "Infeasible") == 0;
    return 0;
}

static bool has_ended(const struct kube_pods *p)
{
    return strcmp(p->text[PHASE], "Succeeded") == 0 || strcmp(p->text[PHASE], "Failed") == 0;
}

static int count_pod(struct kube_pods *p, struct err *e)
{
    struct kube_pod pod = {.space = str_of(p->text[SPACE]),
                           .name = str_of(p->text[NAME]),
                           .node = str_of(p->text[NODE]),
                           .requests = &p->sum,
                           .resource = p->names.text};
    struct err why;

    p->shape.part = p->part;
    p->sum.n = 0;
    if (!p->refused && kube_request(&p->shape, &p->sum, &why) != 0 && refuse(p, &why, e) != 0)
        return -1;
    pod.uncounted = p->refused;
    p->fn(p->ctx, &pod);
    return 0;
}

static int end_pod(void *ctx, int which, struct err *e)
{
    struct kube_pods *p = ctx;

    (void)which;
    if (!has_ended(p) && count_pod(p, e) != 0)
        return -1;
    p->text[NAME][0] = '\0'; /* it is under way no more */
    return 0;
}

void kube_pods_called(const void *pods, struct buf *b)
{
    const struct kube_pods *p = pods;

    if (p->text[NAME][0])
        buf_printf(b, "pod %s%s%s", p->text[SPACE], p->text[SPACE][0] ? "/" : "", p->text[NAME]);
}

/* ---- what counts of a pod ---- */

#define END                                                                                        \
    {                                                                                              \
        .which = 0                                                                                 \
    }
#define TEXT(word, what, fn)                                                                       \
    {                                                                                              \
        .name = STR_LIT(word), .kind = PICK_TEXT, .which = (what), .take = (fn)                    \
    }
#define AMOUNTS(word, what)                                                                        \
    {                                                                                              \
        .name = STR_LIT(word), .kind = PICK_AMOUNTS, .which = (what), .take = take_amount          \
    }
#define OBJECT(word, lines)                                                                        \
    {                                                                                              \
        .name = STR_LIT(word), .kind = PICK_OBJECT, .inside = (lines)                              \
    }
#define OBJECTS(word, what, lines, begins, ends)                                                   \
    {                                                                                              \
        .name = STR_LIT(word), .kind = PICK_OBJECTS, .which = (what), .inside = (lines),           \
        .begin = (begins), .end = (ends)                                                           \
    }

static const struct json_pick metadata[] = {
    TEXT("name", NAME, take_text),
    TEXT("namespace", SPACE, take_text),
    END,
};

static const struct json_pick part_resources[] = {AMOUNTS("requests", PART_AMOUNTS), END};
static const struct json_pick own_resources[] = {AMOUNTS("requests", OWN), END};
static const struct json_pick own_status_resources[] = {AMOUNTS("requests", OWN_STATUS), END};

static const struct json_pick container[] = {
    TEXT("name", PART_NAME, take_part),
    OBJECT("resources", part_resources),
    TEXT("restartPolicy", PART_RESTART, take_part),
    END,
};

static const struct json_pick container_status[] = {
    TEXT("name", PART_NAME, take_part),
    AMOUNTS("allocatedResources", PART_AMOUNTS),
    {.name = STR_LIT("resources"),
     .kind = PICK_OBJECT,
     .inside = part_resources,
     .begin = begin_resources},
    END,
};

static const struct json_pick condition[] = {
    TEXT("type", CONDITION_TYPE, take_text),
    TEXT("reason", CONDITION_REASON, take_text),
    END,
};

static const struct json_pick spec[] = {
    TEXT("nodeName", NODE, take_text),
    OBJECTS("containers", CONTAINER, container, begin_part, NULL),
    OBJECTS("initContainers", INIT, container, begin_part, NULL),
    OBJECT("resources", own_resources),
    AMOUNTS("overhead", OVERHEAD),
    END,
};

static const struct json_pick status[] = {
    TEXT("phase", PHASE, take_text),
    OBJECTS("conditions", CONDITION, condition, begin_condition, end_condition),
    OBJECTS("containerStatuses", STATUS, container_status, begin_part, NULL),
    OBJECTS("initContainerStatuses", STATUS, container_status, begin_part, NULL),
    OBJECT("resources", own_status_resources),
    AMOUNTS("allocatedResources", OWN_STATUS),
    END,
};

static const struct json_pick pod_lines[] = {
    OBJECT("metadata", metadata),
    OBJECT("spec", spec),
    OBJECT("status", status),
    END,
};

struct json_pick kube_pods_items(struct kube_pods *p)
{
    struct json_pick items = OBJECTS("items", POD, pod_lines, begin_pod, end_pod);

    items.ctx = p;
    return items;
}
