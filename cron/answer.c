/* SPDX-License-Identifier: MIT */
/* Members of what a service answered: nothing is taken for granted. */
#include "answer.h"

#include "num.h"

int answer_member(const json_value *object, const char *name, enum json_kind kind, json_value **v,
                  struct err *e)
{
    enum json_kind is = json_kind(object);

    if (is != JSON_OBJECT)
        return err_set(e, ERR_UNAVAILABLE, "it is %s, not an object", json_kind_word(is));
    if (!json_member(object, name, v))
        return err_set(e, ERR_UNAVAILABLE, "there is no %s", name);
    is = json_kind(*v);
    if (is != kind)
        return err_set(e, ERR_UNAVAILABLE, "%s is %s, not %s", name, json_kind_word(is),
                       json_kind_word(kind));
    return 0;
}

int answer_text(const json_value *object, const char *name, struct str *text, struct err *e)
{
    json_value *v = NULL;

    if (answer_member(object, name, JSON_STRING, &v, e) != 0)
        return -1;
    *text = json_string(v);
    return text->n ? 0 : err_set(e, ERR_UNAVAILABLE, "%s is empty", name);
}

int answer_count(const json_value *object, const char *name, int64_t low, int64_t *n, struct err *e)
{
    struct str text;
    json_value *v = NULL;

    if (answer_member(object, name, JSON_NUMBER, &v, e) != 0)
        return -1;
    text = json_number(v);
    if (num_i64(text, low, NUM_SAFE_MAX, n) != 0)
        return err_set(e, ERR_UNAVAILABLE, "%s is %.*s, not a whole number from %lld to 2^53-1",
                       name, (int)(text.n < 40 ? text.n : 40), text.p, (long long)low);
    return 0;
}

int answer_perhaps(const json_value *object, const char *name, struct str *text, struct err *e)
{
    json_value *v;

    *text = (struct str){0};
    if (json_kind(object) == JSON_OBJECT && (!json_member(object, name, &v) || !v))
        return 0;
    return answer_text(object, name, text, e);
}
