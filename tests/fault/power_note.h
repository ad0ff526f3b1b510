/* SPDX-License-Identifier: MIT */
/* How pre_power.c writes its log. All but power_open are no-ops without a log (NULL). */
#ifndef AR_POWER_NOTE_H
#define AR_POWER_NOTE_H

#include "power_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void die(const char *why)
{
    fprintf(stderr, "pre_power: %s (errno %d)\n", why, errno);
    abort();
}

/* Of a file that was just made. */
static void power_begin(struct power_head *head)
{
    pthread_mutexattr_t attr;

    if (pthread_mutexattr_init(&attr) != 0 ||
        pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) != 0 ||
        pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) != 0 ||
        pthread_mutex_init(&head->lock, &attr) != 0)
        die("no mutex");
    head->end = POWER_DATA;
}

/* Maps the log of that descriptor, which nobody else begins meanwhile. */
static struct power_head *power_map(int fd)
{
    void *p = mmap(NULL, POWER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    struct power_head *head = p;

    if (p == MAP_FAILED)
        die("the log cannot be mapped");
    if (head->end == 0)
        power_begin(head);
    return head;
}

/* One who died with the lock left whole records behind: `end` is moved last. */
static void power_lock(struct power_head *head)
{
    int rc = head ? pthread_mutex_lock(&head->lock) : 0;

    if (rc == EOWNERDEAD)
        rc = pthread_mutex_consistent(&head->lock);
    if (rc != 0)
        die("the log cannot be locked");
}

static void power_unlock(struct power_head *head)
{
    if (head)
        (void)pthread_mutex_unlock(&head->lock);
}

/* What follows is for who has the lock. */

static void power_note(struct power_head *head, struct power_record r, const void *data)
{
    char *at;

    if (!head)
        return;
    if (head->end + power_step(r.length) > POWER_SIZE)
        die("the log is full");
    at = (char *)head + head->end;
    memcpy(at, &r, sizeof r);
    if (r.length)
        memcpy(at + sizeof r, data, r.length);
    __atomic_store_n(&head->end, head->end + power_step(r.length), __ATOMIC_RELEASE);
}

/* `b` may be NULL. */
static void power_note_names(struct power_head *head, enum power_kind kind, int file, const char *a,
                             const char *b)
{
    char text[2 * POWER_NAME] = {0};
    size_t n = strlen(a) + 1;

    memcpy(text, a, n);
    if (b) {
        memcpy(text + n, b, strlen(b) + 1);
        n += strlen(b) + 1;
    }
    power_note(head, (struct power_record){(uint32_t)kind, (uint32_t)file, 0, n}, text);
}

/* Its place in the table, or a free one for "". */
static int power_place(const struct power_head *head, const char *name)
{
    int i;

    for (i = 0; i < POWER_NAMES; i++) {
        if (strcmp(head->names[i].name, name) == 0)
            return i;
    }
    return -1;
}

/* 0: it has none. */
static int power_file(const struct power_head *head, const char *name)
{
    int i = head ? power_place(head, name) : -1;

    return i < 0 ? 0 : (int)head->names[i].file;
}

/* 0: the name is gone. */
static void power_name(struct power_head *head, const char *name, int file)
{
    int i = power_place(head, name);

    if (i < 0)
        i = power_place(head, "");
    if (i < 0)
        die("too many files");
    (void)snprintf(head->names[i].name, POWER_NAME, "%s", file ? name : "");
    head->names[i].file = (uint32_t)file;
}

#endif
