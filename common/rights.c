/* SPDX-License-Identifier: MIT */
/* What somebody may do with a job that he sees. */
#include "rights.h"

#include "pool.h"

static bool makes_run(const struct job *j, const struct job_change *c)
{
    /* What nobody may do, as with one that is held, is no matter of rights. */
    return c->has_status && c->status == JOB_RUNNING &&
           (j->status == JOB_QUEUED || j->status == JOB_HELD) &&
           job_may_become(j->status, JOB_RUNNING, JOB_BY_CLIENT);
}

static bool goes_to_front(const struct job *j, const struct job_change *c)
{
    (void)j;
    return c->move == JOB_TO_FRONT;
}

static bool gets_smaller(const struct job *j, const struct job_change *c)
{
    return c->has_priority && c->priority.whole < j->priority;
}

/* What only an administrator may do. */
static const struct {
    bool (*is)(const struct job *j, const struct job_change *c);
    const char *pointer, *refusal;
} of_admins[] = {
    {makes_run, "/status", "only an administrator may set a job running that waits"},
    {goes_to_front, "/move",
     "only an administrator may move a job to the front; you may move it back, or before and after "
     "other jobs of yours"},
    {gets_smaller, "/priority",
     "only an administrator may make a priority smaller; you may move a job back, or before and "
     "after other jobs of yours"},
};

/* Whose hosts a machine goes on, and whose quota is looked at, is what data.project says: with
 * another's, or with none, an owner would hold what is kept for others. */
static int check_project(const struct who *w, struct str rules, struct str scope, struct str shape,
                         struct err *e)
{
    struct str project = pool_project(scope);

    if (w->everything || !w->projects || !str_is(rules, "vm") || str_is(shape, "[]") ||
        (project.p && who_sees(w, project)))
        return 0;
    return err_at(e, ERR_FORBIDDEN, "/data/project",
                  "data.project must name the project that you ask for");
}

int rights_create(const struct who *w, struct str rules, const struct job_new *n, struct err *e)
{
    if (who_may(w, WHO_CHANGES, e) != 0)
        return -1;
    if (!who_sees(w, n->owner_id))
        return err_at(e, ERR_FORBIDDEN, "/owner_id", "you may not create jobs for this owner_id");
    return check_project(w, rules, n->scope, n->shape, e);
}

int rights_change(const struct who *w, struct str rules, const struct job *j,
                  const struct job_change *c, struct err *e)
{
    size_t i;

    if (who_may(w, WHO_CHANGES, e) != 0)
        return -1;
    for (i = 0; i < ARRAY_LEN(of_admins) && !w->everything; i++) {
        if (of_admins[i].is(j, c))
            return err_at(e, ERR_FORBIDDEN, of_admins[i].pointer, "%s", of_admins[i].refusal);
    }
    return c->has_data ? check_project(w, rules, c->scope, c->shape, e) : 0;
}
