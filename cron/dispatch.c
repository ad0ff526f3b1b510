/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher's loop. A turn: see who knocks (signals, the FIFO), a pass if it is time for one,
 * start callbacks that are due, move those under way on and write what ended, take a little of what
 * nobody needs any more away (purge.h), wait.
 *
 * A pass is wanted when somebody knocked, when the clock has brought something up, when a callback
 * was given up (what it held is free), when a reading has come (polls.h), or when the last one was
 * long ago (pace.h). No pass waits for a callback, and no callback for another.
 */
#include "dispatch.h"

#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "deliver.h"
#include "httpc.h"
#include "inspect.h"
#include "lock.h"
#include "pace.h"
#include "polls.h"
#include "purge.h"
#include "store_clock.h"
#include "wake.h"

#define PAUSE      (1 * NS_PER_S) /* after a fault of the database */
#define STOP_TIME  (3 * NS_PER_S) /* for callbacks under way, when asked to stop */
#define LOCK_WAIT  (5 * NS_PER_S) /* for the database */
#define LAST_CALLS (1 * NS_PER_S) /* what is left of --for when the last callback has timed out */

/* Of a single run: steps of purging, and the fault that it leaves at. */
enum { PURGE_ONCE = 20, FAULTS_ONCE = 3 };

struct dispatch {
    const struct conf *conf;
    const struct dispatch_options *options;
    struct store *store;
    struct deliver *deliver;
    struct polls *polls;
    unsigned *skips; /* [conf->queues] pass.h */
    int64_t from;    /* pass.h */
    struct purge purge;
    int lock, wake, signals; /* descriptors; -1: not open */
    /* all times are clock_mono's, but for `due` and `moment`, which are clock_now's */
    int64_t end;       /* of --for, or of the time to stop; INT64_MAX: none */
    int64_t last_call; /* no callback is started from here on */
    int64_t pause;     /* the database is left alone until then */
    int64_t due;       /* the next callback */
    int64_t moment;    /* when the clock brings something up */
    int64_t shifted;   /* store_clock_shifted, when it was last looked */
    struct pace pace;
    bool passed; /* there was a pass */
    bool stopping;
    int faults;                /* what could not be done */
    bool fatal;                /* the process must leave */
    struct pass_result result; /* of the passes since the last summary */
    struct deliver_counts counts;
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- faults and the summary ---- */

/* Who was admitted is to be called all the same, and what was answered to be written. */
static void fault(struct dispatch *d, const char *event, const struct err *e)
{
    char room[LOG_QUOTE_MAX];

    log_error(event, "code=%s error=%s", err_word(e->code), log_quote(room, e->text));
    d->faults++;
    d->fatal = d->fatal || e->code == ERR_COMMIT_UNKNOWN ||
               (d->store && store_outgrown(d->store)) ||
               (d->options->mode == DISPATCH_ONCE && d->faults >= FAULTS_ONCE);
    d->pause = clock_mono() + PAUSE;
    d->due = 0; /* not known */
}

/* The passes of a single run are one in its summary: what was done is added up, who waits is as the
 * last one has seen it. */
static void add_result(struct pass_result *sum, const struct pass_result *r)
{
    sum->admitted += r->admitted;
    sum->placed += r->placed;
    sum->groups = r->groups;
    sum->reasons += r->reasons;
    sum->questions += r->questions;
    sum->tidied.woken += r->tidied.woken;
    sum->tidied.expired += r->tidied.expired;
    sum->tidied.lapsed += r->tidied.lapsed;
    sum->ns += r->ns;
}

static void summarize(struct dispatch *d)
{
    const struct pass_result *r = &d->result;
    const struct deliver_counts *c = &d->counts;
    bool news = r->admitted || r->placed || r->tidied.woken || r->tidied.expired ||
                r->tidied.lapsed || c->tried || c->requeued || c->failed;

    log_at(news || d->options->mode == DISPATCH_ONCE ? LOG_LVL_INFO : LOG_LVL_DEBUG, "pass",
           "admitted=%lld placed=%lld groups=%lld reasons=%lld asked=%lld woken=%lld expired=%lld "
           "lapsed=%lld "
           "tried=%lld accepted=%lld requeued=%lld failed=%lld ms=%lld",
           (long long)r->admitted, (long long)r->placed, (long long)r->groups,
           (long long)r->reasons, (long long)r->questions, (long long)r->tidied.woken,
           (long long)r->tidied.expired, (long long)r->tidied.lapsed, (long long)c->tried,
           (long long)c->accepted, (long long)c->requeued, (long long)c->failed,
           (long long)(r->ns / NS_PER_MS));
    d->counts = (struct deliver_counts){0};
    d->result = (struct pass_result){0};
}

/* ---- a turn of the loop, part by part ---- */

/* Callbacks are all that is left to do. */
static bool is_ending(const struct dispatch *d)
{
    return d->stopping || (d->options->mode == DISPATCH_ONCE && d->faults > 0);
}

static void take_signals(struct dispatch *d)
{
    struct signalfd_siginfo info;

    if (read(d->signals, &info, sizeof info) != sizeof info ||
        (d->stopping && info.ssi_signo != SIGHUP))
        return;
    if (info.ssi_signo == SIGHUP) {
        log_reopen();
        return;
    }
    log_info("stopping", "signal=%u callbacks=%zu", info.ssi_signo, deliver_under_way(d->deliver));
    d->stopping = true;
    d->last_call = 0;
    d->end = least(d->end, clock_mono() + STOP_TIME);
}

/* A pass, and new readings for the next. */
static void want_pass(struct dispatch *d)
{
    d->pace.wanted = true;
    polls_want(d->polls);
}

/* Has somebody knocked? Taken away at once, so that the descriptor is quiet while the pass has to
 * wait. */
static void take_knocks(struct dispatch *d)
{
    struct pollfd p = {.fd = d->wake, .events = POLLIN};

    if (d->wake < 0 || poll(&p, 1, 0) != 1)
        return;
    wake_drain(d->wake);
    want_pass(d);
    deliver_changed(d->deliver); /* somebody may have asked for a callback */
}

/* What the last callbacks and passes needed goes back to the machine. Only where nobody has knocked
 * for a while: who comes next pays for it with page faults. */
static void give_back(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

static void run_pass(struct dispatch *d)
{
    int64_t start = clock_mono(), end;
    bool quiet = pace_quiet(&d->pace, start), all = d->pace.wanted || quiet;
    struct pass_in in = {.conf = d->conf,
                         .store = d->store,
                         .skips = d->skips,
                         .from = &d->from,
                         .news = polls_news,
                         .ctx = d->polls};
    struct pass_result r;
    struct err e;
    int rc;

    in.reading = polls_take(d->polls, all);
    rc = pass_run(&in, &r, &e);
    add_result(&d->result, &r);
    polls_done(d->polls);
    end = clock_mono();
    d->passed = true;
    if (all || r.admitted)
        deliver_changed(d->deliver);
    pace_passed(&d->pace, start, end, all, r.admitted || r.more);
    if (rc != 0 || r.more)
        want_pass(d);
    if (rc != 0)
        fault(d, "pass", &e);
    /* What was admitted before a fault is on disk. */
    if (rc != 0 ? r.admitted > 0 : d->options->mode != DISPATCH_ONCE || r.more)
        summarize(d); /* the last one of a single run waits for the callbacks */
    store_checkpoint_if_due(d->store);
    if (quiet)
        give_back();
}

static bool pass_due(const struct dispatch *d, int64_t now)
{
    return !is_ending(d) && pace_due(&d->pace, now, polls_come(d->polls));
}

/* Starts what is due, writes what ended. */
static void deliver_some(struct dispatch *d)
{
    struct deliver_counts c;
    struct err e = {0};

    d->due = INT64_MAX;
    if (clock_mono() < d->last_call && deliver_start(d->deliver, clock_now(), &d->due, &e) != 0)
        fault(d, "callbacks", &e);
    if (deliver_turn(d->deliver, &e) != 0)
        fault(d, "callbacks", &e);
    c = deliver_counts(d->deliver);
    d->counts.tried += c.tried;
    d->counts.accepted += c.accepted;
    d->counts.requeued += c.requeued;
    d->counts.failed += c.failed;
    if ((c.failed || c.requeued) && d->options->mode != DISPATCH_ONCE)
        want_pass(d);
    if (c.finished || c.requeued)
        d->due = 0; /* there is room, and what ended may be due again: look at once */
    if (c.tried)
        store_checkpoint_if_due(d->store);
}

/* What nobody needs any more goes, once those who wait were served. */
static void purge_some(struct dispatch *d)
{
    struct err e;

    if (is_ending(d) || d->fatal || !d->passed)
        return;
    if (purge_turn(&d->purge, &e) != 0)
        fault(d, "purge", &e);
    store_checkpoint_if_due(d->store);
}

/* When does the clock bring something up? A callback under way still counts as due in the database,
 * and hides what comes after it: then one looks again a little later. */
static void look_ahead(struct dispatch *d)
{
    int64_t now = clock_now();
    struct err e;
    int untidy = 0;

    if (store_next_moment(d->store, &d->moment, &e) != 0) {
        fault(d, "clock", &e);
        return;
    }
    if (d->moment > now)
        return;
    d->moment = now + PAUSE;
    untidy = store_untidy(d->store, now, &e);
    if (untidy < 0)
        fault(d, "clock", &e);
    if (untidy == 1)
        want_pass(d);
}

/* How long nothing is to be done unless something moves, in ns. */
static int64_t idle_time(const struct dispatch *d)
{
    int64_t now = clock_mono(), wall = clock_now(), until = d->end;

    if (!is_ending(d)) {
        until = least(until, pace_next(&d->pace, now, polls_come(d->polls)));
        until = least(until, polls_next(d->polls));
        until = least(until, d->passed ? d->purge.next : INT64_MAX);
    }
    until = until > now ? until - now : 0;
    if (!d->stopping)
        until = least(until, least(d->due, d->moment) - wall);
    return until;
}

/* After a fault the tries are not moved on, so their sockets are not waited for either. */
static void wait_some(struct dispatch *d)
{
    const int fd[] = {d->signals, polls_fd(d->polls), d->wake};
    int64_t idle = idle_time(d);
    struct pollfd p[] = {{.fd = d->signals, .events = POLLIN}, {.fd = d->wake, .events = POLLIN}};
    int64_t pause = least(d->pause, d->end) - clock_mono();

    if (pause > 0)
        (void)poll(p, 1, (int)(pause / NS_PER_MS) + 1);
    else
        deliver_wait(d->deliver, fd, d->wake < 0 ? 2 : 3,
                     /* it was reckoned with a clock that is not that of what is due */
                     store_clock_moved(d->store) ? 0 : idle);
}

/* Nothing is left to do for this run? */
static bool is_over(const struct dispatch *d)
{
    bool idle = deliver_under_way(d->deliver) == 0,
         due = d->due <= clock_now() || deliver_unseen(d->deliver);

    if (d->fatal || clock_mono() >= d->end)
        return true;
    if (d->options->mode == DISPATCH_ONCE && !d->stopping)
        return idle && !due &&
               (is_ending(d) ||
                (d->passed && !d->pace.wanted && !polls_busy(d->polls) && d->purge.looked));
    return idle && d->stopping;
}

/* When somebody has set the clock, all that waits for a time moves with it before anything is
 * decided by the new one. False: it could not be written. */
static bool follow_clock(struct dispatch *d)
{
    struct err e;

    if (!store_clock_moved(d->store))
        return true;
    if (store_begin(d->store, LOCK_WAIT, &e) != 0 || store_commit(d->store, &e) != 0) {
        fault(d, "clock", &e);
        return false;
    }
    if (store_clock_shifted(d->store) != d->shifted)
        want_pass(d);
    d->shifted = store_clock_shifted(d->store);
    return true;
}

static void turn(struct dispatch *d)
{
    take_signals(d);
    take_knocks(d);
    polls_hush(d->polls); /* also when nobody will take the reading: it is quiet then */
    if (clock_mono() < d->pause || !follow_clock(d))
        return;
    if (!is_ending(d))
        polls_start(d->polls);
    if (pass_due(d, clock_mono()))
        run_pass(d);
    if (!d->fatal)
        deliver_some(d);
    purge_some(d);
    if (!d->stopping && !d->fatal && d->options->mode != DISPATCH_ONCE)
        look_ahead(d);
}

static void loop(struct dispatch *d)
{
    for (;;) {
        turn(d);
        if (is_over(d))
            break;
        wait_some(d);
    }
    if (d->options->mode == DISPATCH_ONCE ? d->passed : d->counts.tried > 0)
        summarize(d);
}

/* ---- start and end ---- */

static int open_signals(struct dispatch *d, struct err *e)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return err_errno(e, ERR_INTERNAL, "cannot set up signals");
    d->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return d->signals < 0 ? err_errno(e, ERR_INTERNAL, "cannot set up signals") : 0;
}

/* `began`: what came before, a wait for the database and all, is part of --for: else cron's next
 * run would meet this one at work, and leave. */
static void set_times(struct dispatch *d, int64_t began)
{
    int64_t length;

    d->end = d->last_call = INT64_MAX;
    d->due = d->moment = INT64_MAX;
    want_pass(d);
    if (d->options->mode != DISPATCH_FOR)
        return;
    length = d->options->seconds * NS_PER_S;
    d->end = began + length;
    /* Whoever is cut is called again by the next run, while he may still work on the first call. */
    d->last_call = d->end - least(d->conf->callback.timeout + LAST_CALLS, length / 4);
}

/* What is held is kept as the configuration has it now: under which account, and until when. */
static int settle_books(struct dispatch *d, struct err *e)
{
    int rc = store_misbooked(d->store, e);

    if (rc != 1)
        return rc;
    if (store_begin(d->store, LOCK_WAIT, e) != 0)
        return -1;
    if (store_rebook(d->store, e) != 0) {
        store_rollback(d->store);
        return -1;
    }
    return store_commit(d->store, e);
}

/* 1: ready; 0: another dispatcher is at work; -1 and *e. */
static int dispatch_open(struct dispatch *d, struct err *e)
{
    int64_t began = clock_mono();
    static const struct who self = {
        .name = STR_LIT("dispatcher"), .everything = true, .changes = true};
    int taken;

    if (open_signals(d, e) != 0 || httpc_init(e) != 0 ||
        store_open(d->conf, STORE_WRITE, &d->store, e) != 0 ||
        store_keep_little(d->store, e) != 0 ||
        lock_open(store_dispatch_lock_path(d->store), &d->lock, e) != 0)
        return -1;
    taken = lock_take(d->lock, 0, e);
    if (taken != 1)
        return taken;
    store_as(d->store, &self);
    d->skips = calloc(d->conf->queues, sizeof *d->skips);
    if (!d->skips)
        return err_set(e, ERR_INTERNAL, "out of memory at start");
    if (settle_books(d, e) != 0 || deliver_open(d->conf, d->store, &d->deliver, e) != 0 ||
        polls_open(d->conf, d->store, d->options->mode == DISPATCH_ONCE, &d->polls, e) != 0)
        return -1;
    if (d->options->mode != DISPATCH_ONCE &&
        wake_listen(store_wake_path(d->store), &d->wake, e) != 0)
        return -1;
    set_times(d, began);
    purge_init(&d->purge, d->store, d->options->mode == DISPATCH_ONCE ? PURGE_ONCE : 0);
    return 1;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

static void dispatch_close(struct dispatch *d)
{
    polls_close(d->polls);
    deliver_close(d->deliver);
    store_close(d->store);
    free(d->skips);
    close_fd(d->wake);
    close_fd(d->signals);
    close_fd(d->lock); /* last: another one may start now */
}

static void say_ready(const struct dispatch *d)
{
    const char *version;
    bool bug = store_sqlite_has_wal_bug(&version);

    if (d->options->mode != DISPATCH_ONCE)
        log_info("ready", "version=" ANTEROOM_VERSION " sqlite=%s wal_reset_bug=%s", version,
                 bug ? "kept-clear-of" : "no");
}

static int dispatch_loop(const struct conf *conf, const struct dispatch_options *o)
{
    struct dispatch d = {.conf = conf, .options = o, .lock = -1, .wake = -1, .signals = -1};
    struct err e;
    int ready = dispatch_open(&d, &e);

    if (ready == 1) {
        say_ready(&d);
        loop(&d);
    } else if (ready == 0) {
        log_info("busy", "note=\"another dispatcher is at work\"");
    } else {
        fault(&d, "start", &e);
    }
    dispatch_close(&d);
    return ready < 0 || d.fatal || (o->mode == DISPATCH_ONCE && d.faults > 0) ? 1 : 0;
}

int dispatch_run(const struct conf *conf, const struct dispatch_options *o)
{
    /* SIGXFSZ: a file that may not grow any more is a full disk. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR ||
        signal(SIGCHLD, SIG_DFL) == SIG_ERR)
        return 1; /* cannot be */
    return o->mode < DISPATCH_SHOW ? dispatch_loop(conf, o) : inspect_run(conf, o);
}
