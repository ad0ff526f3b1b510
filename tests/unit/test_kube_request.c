/* SPDX-License-Identifier: MIT */
/* What a pod takes: cases by hand, and random pods against a slow reference that plays the pod's
 * life moment by moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cron/kube_request.h"
#include "prop.h"
#include "torture.h"

enum { PODS = 20000, PARTS = 8, RESOURCES = 4 };

/* A pod whose lists are freed together. */
struct made {
    struct kube_part part[2 * PARTS];
    struct kube_shape shape;
};

static struct kube_amounts random_amounts(struct prop *r)
{
    struct kube_amounts l = {0};
    struct err e;
    size_t i;

    for (i = 0; i < RESOURCES; i++) {
        if (prop_one_in(r, 2))
            assert_int_equal(
                kube_amounts_set(&l, i, prop_one_in(r, 50) ? INT64_MAX : prop_between(r, 0, 9), &e),
                0);
    }
    return l;
}

/* Containers and init containers in random order, some with a status of the same name. */
static void make(struct prop *r, struct made *m)
{
    size_t n = prop_below(r, PARTS), i, to = 0;

    *m = (struct made){.shape.infeasible = prop_one_in(r, 4)};
    for (i = 0; i < n; i++) {
        struct kube_part *p = &m->part[to++];

        p->kind = (enum kube_part_kind)prop_below(r, KUBE_STATUS);
        p->requests = random_amounts(r);
        (void)snprintf(p->name, sizeof p->name, "c%zu", i);
        if (prop_one_in(r, 3)) {
            p = &m->part[to++];
            p->kind = KUBE_STATUS;
            p->requests = random_amounts(r);
            p->resources = !prop_one_in(r, 3);
            (void)snprintf(p->name, sizeof p->name, "c%zu", i);
        }
    }
    m->shape.part = m->part;
    m->shape.parts = to;
    if (prop_one_in(r, 3))
        m->shape.own = random_amounts(r);
    if (prop_one_in(r, 3))
        m->shape.own_status = random_amounts(r);
    if (prop_one_in(r, 3))
        m->shape.overhead = random_amounts(r);
}

static void unmake(struct made *m)
{
    size_t i;

    for (i = 0; i < m->shape.parts; i++)
        kube_amounts_free(&m->part[i].requests);
    kube_amounts_free(&m->shape.own);
    kube_amounts_free(&m->shape.own_status);
    kube_amounts_free(&m->shape.overhead);
}

/* ---- the reference, for one resource; sums are wide enough ---- */

typedef __int128 wide;

static wide larger(wide a, wide b)
{
    return a > b ? a : b;
}

static wide of(const struct kube_amounts *l, size_t resource)
{
    return kube_amounts_get(l, resource);
}

static bool has(const struct kube_amounts *l, size_t resource)
{
    size_t i;

    for (i = 0; i < l->n; i++) {
        if (l->amount[i].resource == resource)
            return true;
    }
    return false;
}

static wide slow_part(const struct made *m, size_t i, size_t resource)
{
    const struct kube_part *p = &m->part[i], *s = i + 1 < m->shape.parts ? p + 1 : NULL;

    if (p->kind == KUBE_INIT || !s || s->kind != KUBE_STATUS || !s->resources)
        return of(&p->requests, resource);
    return m->shape.infeasible ? of(&s->requests, resource)
                               : larger(of(&p->requests, resource), of(&s->requests, resource));
}

/* What runs while the init container `now` does, or, beyond the last, when all have run. */
static wide slow_moment(const struct made *m, size_t now, size_t resource)
{
    wide sum = 0;
    size_t i;

    for (i = 0; i < m->shape.parts; i++) {
        enum kube_part_kind kind = m->part[i].kind;

        if ((kind == KUBE_SIDECAR && i < now) || (kind == KUBE_INIT && i == now) ||
            (kind == KUBE_CONTAINER && now == m->shape.parts))
            sum += slow_part(m, i, resource);
    }
    return sum;
}

static wide slow_request(const struct made *m, size_t resource)
{
    const struct kube_shape *s = &m->shape;
    wide most = 0, status;
    size_t now;

    for (now = 0; now <= s->parts; now++)
        most = larger(most, slow_moment(m, now, resource));
    if (s->own.n > 0 && (has(&s->own, resource) || has(&s->own_status, resource))) {
        bool spec = has(&s->own, resource) && !(s->infeasible && s->own_status.n > 0);

        status = larger(of(&s->own_status, resource) - of(&s->overhead, resource), 0);
        if (spec || has(&s->own_status, resource))
            most = larger(spec ? of(&s->own, resource) : 0,
                          has(&s->own_status, resource) ? status : 0);
    }
    most += of(&s->overhead, resource);
    return most > INT64_MAX ? INT64_MAX : most;
}

static void random_pods_agree(void **state)
{
    struct prop r = prop_begin("pods", 41);
    struct made m;
    struct err e;
    size_t i, resource;

    (void)state;
    for (i = 0; i < PODS; i++) {
        struct kube_amounts sum = {0};

        make(&r, &m);
        assert_int_equal(kube_request(&m.shape, &sum, &e), 0);
        for (resource = 0; resource < RESOURCES; resource++) {
            if (kube_amounts_get(&sum, resource) != (int64_t)slow_request(&m, resource))
                fail_msg("pod %zu takes %lld, not %lld", i,
                         (long long)kube_amounts_get(&sum, resource),
                         (long long)slow_request(&m, resource));
        }
        kube_amounts_free(&sum);
        unmake(&m);
    }
}

/* The order of init containers and sidecars, by hand; {kind, amount}. */
static void order_counts(void **state)
{
    static const struct {
        struct {
            enum kube_part_kind kind;
            int64_t amount;
        } part[4];
        size_t parts;
        int64_t takes;
    } cases[] = {
        {{{KUBE_CONTAINER, 100}, {KUBE_SIDECAR, 200}, {KUBE_INIT, 1000}}, 3, 1200},
        {{{KUBE_CONTAINER, 100}, {KUBE_INIT, 1000}, {KUBE_SIDECAR, 200}}, 3, 1000},
        {{{KUBE_SIDECAR, 100}, {KUBE_INIT, 5000}, {KUBE_SIDECAR, 300}, {KUBE_CONTAINER, 50}},
         4,
         5100},
        {{{KUBE_INIT, 3}, {KUBE_INIT, 5}, {KUBE_CONTAINER, 4}}, 3, 5},
        {{{KUBE_CONTAINER, 4}, {KUBE_CONTAINER, 4}}, 2, 8},
    };
    size_t i, p;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        struct made m = {.shape.parts = cases[i].parts};
        struct kube_amounts sum = {0};
        struct err e;

        m.shape.part = m.part;
        for (p = 0; p < cases[i].parts; p++) {
            m.part[p].kind = cases[i].part[p].kind;
            assert_int_equal(kube_amounts_set(&m.part[p].requests, 0, cases[i].part[p].amount, &e),
                             0);
        }
        assert_int_equal(kube_request(&m.shape, &sum, &e), 0);
        assert_int_equal(kube_amounts_get(&sum, 0), cases[i].takes);
        kube_amounts_free(&sum);
        unmake(&m);
    }
}

static void a_list_has_a_limit(void **state)
{
    struct kube_amounts l = {0};
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < KUBE_RESOURCES_MAX; i++)
        assert_int_equal(kube_amounts_add(&l, i, 1, &e), 0);
    assert_int_equal(kube_amounts_add(&l, i, 1, &e), -1);
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_int_equal(kube_amounts_add(&l, 0, INT64_MAX, &e), 0);
    assert_int_equal(kube_amounts_get(&l, 0), INT64_MAX);
    kube_amounts_free(&l);
}

/* n of the resources from..from+n-1. */
static struct kube_amounts list(size_t from, size_t n)
{
    struct kube_amounts l = {0};
    struct err e;
    size_t i;

    for (i = from; i < from + n; i++)
        assert_int_equal(kube_amounts_set(&l, i, 1, &e), 0);
    return l;
}

/* No list of a pod may be longer: neither an init container's with the sidecars before it, nor the
 * pod's own with its status, nor the sum of containers and what is the pod's own. */
static void a_pod_has_a_limit_of_resources(void **state)
{
    enum { MOST = KUBE_RESOURCES_MAX, HALF = MOST / 2 + 1 };
    static const struct {
        size_t sidecar, init, container; /* so many resources, the init container's others */
        size_t own, own_status;          /* others again */
        bool fits;
    } cases[] = {
        {.sidecar = MOST, .fits = true},   {.sidecar = HALF, .init = MOST - HALF, .fits = true},
        {.sidecar = HALF, .init = HALF},   {.own = HALF, .own_status = MOST - HALF, .fits = true},
        {.own = HALF, .own_status = HALF}, {.container = MOST - 2, .own = 2, .fits = true},
        {.container = MOST - 1, .own = 2},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        struct made m = {.shape.parts = 3,
                         .part = {{.kind = KUBE_SIDECAR, .requests = list(0, cases[i].sidecar)},
                                  {.kind = KUBE_INIT, .requests = list(HALF, cases[i].init)},
                                  {.requests = list(0, cases[i].container)}}};
        struct kube_amounts sum = {0};
        struct err e = {0};

        m.shape.part = m.part;
        m.shape.own = list(MOST, cases[i].own);
        m.shape.own_status = list(MOST + HALF, cases[i].own_status);
        if (kube_request(&m.shape, &sum, &e) != (cases[i].fits ? 0 : -1))
            fail_msg("case %zu: %s", i, e.text);
        assert_int_equal(e.code, cases[i].fits ? ERR_NONE : ERR_UNAVAILABLE);
        kube_amounts_free(&sum);
        unmake(&m);
    }
}

#if TORTURE
/* A pod of every kind of part, with lists that grow. Of resource 0 it takes what is its own, and
 * overhead. */
static void without_memory_a_pod_is_not_counted(void **state)
{
    struct made m = {.shape.parts = 4,
                     .part = {{.kind = KUBE_SIDECAR, .name = "s", .requests = list(0, 3)},
                              {.kind = KUBE_STATUS, .name = "s", .resources = true},
                              {.kind = KUBE_INIT, .requests = list(30, 40)},
                              {.kind = KUBE_CONTAINER, .requests = list(2, 40)}}};
    int64_t good = 0, takes, left;
    struct err e;
    int rc;

    (void)state;
    m.shape.part = m.part;
    m.part[1].requests = list(0, 40);
    m.shape.own = list(0, 60);
    m.shape.own_status = list(10, 80);
    m.shape.overhead = list(0, 90);
    do {
        struct kube_amounts sum = {0};

        torture_arm_as(true, good++);
        rc = kube_request(&m.shape, &sum, &e);
        takes = kube_amounts_get(&sum, 0);
        kube_amounts_free(&sum);
        left = torture_end();
        assert_int_equal(left, 0);
        assert_int_equal(rc, torture_fired() ? -1 : 0);
        if (rc != 0)
            assert_int_equal(e.code, ERR_INTERNAL);
    } while (rc != 0);
    assert_int_equal(takes, 2);
    assert_true(good > 10);
    unmake(&m);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_counts),
        cmocka_unit_test(random_pods_agree),
        cmocka_unit_test(a_list_has_a_limit),
        cmocka_unit_test(a_pod_has_a_limit_of_resources),
#if TORTURE
        cmocka_unit_test(without_memory_a_pod_is_not_counted),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
