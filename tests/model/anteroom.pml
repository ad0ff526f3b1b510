/* SPDX-License-Identifier: MIT */
/*
 * The protocol, from the post of a job to the end of what it holds, as the code does it; each step
 * names the function whose step it is. One host with CAPACITY units of one resource; what fits on
 * several hosts is fit.c's, which the simulations in tests/unit look at.
 *
 * There is no clock. What happens by the clock may happen at any moment that the protocol allows:
 * a hold runs out, a try times out, `settle` goes by. "until > read_at" (SQL_HOLD_SUM) becomes: a
 * row whose end has come (PAST) counts for the reading that was begun before, and for no later one.
 *
 * What is assumed of others, and of nobody else:
 *  LAG    (observed) lag <= settle: what comes of the calls of an admission is built, and seen by
 *         every reading begun from then on, before `settle` has gone by since the dispatcher wrote
 *         how the calls ended. A client that confirms says that of all it has and will have.
 *  WORD   a client that says that its job is over, or answers a call with 4xx or 5xx, has nothing of
 *         it, and will take none of the calls made before; in an observed source it may still have
 *         what the source sees, and gives that back when it likes.
 *  LEASE  (ledger) a client whose 2xx got lost is called again and heard before the hold runs out,
 *         or has nothing any more by then. Nobody but the client sees what it uses, so nothing that
 *         the dispatcher could do would help.
 *  A job that an operator sets running while it waits is his to answer for, and is left out.
 *
 * run.sh checks it; BUG_... breaks it in one place each, to see that this is found.
 */
#ifndef JOBS
#define JOBS 2
#endif
#ifndef CAPACITY
#define CAPACITY 1
#endif
#ifndef ADMISSIONS
#define ADMISSIONS 2 /* of one job at most: 1 + callback.requeue, and clients that hand back */
#endif
#ifdef LEDGER
#define OBSERVED 0
#else
#define OBSERVED 1
#endif
/*
 * What is safe is asked with everything going wrong without end and in any order. Whether all comes
 * to its end is asked (LIVE) with so many TROUBLES in all, and a pass only where something has
 * changed since the last one (one more that finds all as it was changes nothing): then every run
 * must end, and there everybody must have been served, and nothing be held. That is so under any
 * fair order of steps, since none is left out.
 */
#ifdef LIVE
#ifndef TROUBLES
#define TROUBLES 2
#endif
byte troubles;
bool news;
#define MAY     (troubles < TROUBLES)
#define TROUBLE troubles++
#define NEWS    news = true
#else
#define MAY     true
#define TROUBLE skip
#define NEWS    skip
#define news    true
#endif

/* ---- the database: what a crash leaves ---- */
#define ABSENT   0
#define QUEUED   1
#define ADMITTED 2
#define RUNNING  3
#define OVER     4 /* finished, failed, cancelled, expired, deleted */

/* A row of `holds`, by its `until`. */
#define NONE     0
#define OPEN     1 /* NULL */
#define SETTLING 2 /* still to come */
#define PAST     3 /* has come; the reading under way was begun before */

/* What a client has of an admission. NONE: nothing. */
#define TAKEN 1 /* it took a call, and will build */
#define BUILT 2 /* built; the source does not see it yet */
#define SEEN  3

/* How a try ended. NONE: it has not. */
#define YES  1 /* 2xx */
#define NO   2 /* 5xx, or any other status */
#define GONE 3 /* 410 */
#define LOST 4 /* no answer: nothing got there, or the answer did not come back */

typedef job {
    unsigned state : 3;
    unsigned need : 2;      /* of the data as they are now */
    unsigned admissions : 2;
    unsigned row : 2;       /* of this admission, or of the last one */
    unsigned old : 2;       /* of the one before */
    unsigned row_need : 2;
    unsigned old_need : 2;
    bit late;               /* hold_until is past, or all tries are used up */
    /* the client's */
    unsigned use : 2;       /* of this admission */
    unsigned left : 2;      /* of the one before, or what it left behind */
    unsigned left_need : 2;
    unsigned made : 2;      /* jobs of its name */
    bit acked;              /* its post was answered with 201 */
    bit wire;               /* a call is on its way to it */
    /* the dispatcher's: gone when it is killed */
    bit busy;               /* a try is under way */
#ifdef BUG_FORGETS
    bit lost;
#endif
    unsigned answer : 3;
    unsigned call : 2;      /* of which admission the try is */
    /* what the checks remember */
    bit called;             /* a call of this admission was begun */
    bit accepted;           /* the client answered one of this admission with 2xx */
    bit excuse;             /* … and the answer may not have come to the dispatcher */
    bit excused;            /* its receiver was paused: it need not have been called */
    bit served;             /* it was called, or excused, or its client gave it up */
}
job J[JOBS];

byte lock;            /* the dispatcher at work; 0: none */
byte kill;            /* that dispatcher dies before its next step */
unsigned reading : 2; /* the background reading */
#define IDLE   0
#define BEGUN  1
#define LOOKED 2
#define COME   3
byte seen;            /* what it says is used */
bit paused;           /* the receiver (table receivers) */

#define HELD(j) ((J[j].row != NONE -> J[j].row_need : 0) + (J[j].old != NONE -> J[j].old_need : 0))
/* What is promised to the job, and what its client has or still may have. */
#define PROMISED(j) (J[j].state == ADMITTED || (!OBSERVED && J[j].state == RUNNING))
#define REAL(j)                                                                                    \
    ((PROMISED(j) || J[j].use != NONE -> J[j].need : 0) +                                          \
     (J[j].left != NONE -> J[j].left_need : 0))

inline check_capacity()
{
    sum = 0;
    for (k : 0 .. JOBS - 1) {
        sum = sum + REAL(k);
    }
    assert(sum <= CAPACITY); /* capacity is never promised twice */
    sum = 0; k = 0;
}

/* No reading that was begun before is under way any more. */
inline forget_past()
{
    for (k : 0 .. JOBS - 1) {
        if :: J[k].row == PAST -> J[k].row = NONE; NEWS :: else fi;
        if :: J[k].old == PAST -> J[k].old = NONE; NEWS :: else fi;
    }
    k = 0;
}

inline drop_reading() /* readers_drop */
{
    reading = IDLE;
    seen = 0;
    forget_past();
}

inline rows_end(j) /* SQL_HOLD_END: until = now */
{
    if :: J[j].row == OPEN || J[j].row == SETTLING -> J[j].row = PAST :: else fi;
    if :: J[j].old == SETTLING -> J[j].old = PAST :: else fi;
    if :: reading == IDLE -> forget_past() :: else fi;
}

/* store_hold_follow: a client says that the job holds nothing any more. */
inline holds_end(j)
{
#ifdef LEDGER
    J[j].row = NONE; /* SQL_HOLD_DROP */
    NEWS;
#else
#ifdef BUG_DROP
    J[j].row = NONE; J[j].old = NONE;
#else
    rows_end(j);
#endif
#endif
    J[j].late = 0;
}

/* What the client has of the admission that ended without its doing becomes what is left of it. */
inline leave_behind(j)
{
    if
    :: J[j].use != NONE ->
        J[j].left = J[j].use;
        J[j].left_need = J[j].need;
        J[j].use = NONE
    :: else
    fi;
}

/* store_unaccepted (follow in store_delivery.c, lapse in store_pass.c and store_receiver.c): nobody
 * accepted. `unsure`: the last try had no answer, or there may have been one that nobody wrote
 * down. */
inline unaccepted(j, unsure)
{
    assert(J[j].state == ADMITTED);
    assert(!J[j].accepted || J[j].excuse); /* an accepted callback is never forgotten */
    assert(J[j].called || J[j].excused); /* at least one call for each admission */
#ifndef LEDGER
    if
#ifndef BUG_UNSURE
    :: unsure -> J[j].row = SETTLING; J[j].late = 0 /* SQL_HOLD_UNSURE: until = now + settle */
#endif
    :: else -> holds_end(j)
    fi;
#else
    holds_end(j);
#endif
    leave_behind(j);
    if
    :: J[j].admissions < ADMISSIONS -> J[j].state = QUEUED; NEWS /* requeue */
    :: else -> J[j].state = OVER                           /* fail */
    fi;
}

/* LEASE */
#ifdef LEDGER
#ifdef NO_LEASE
#define MAY_GIVE_UP(j) true
#else
#define MAY_GIVE_UP(j) (J[j].use == NONE && !J[j].wire)
#endif
#else
#define MAY_GIVE_UP(j) (J[j].left == NONE || J[j].use == NONE) /* the model has room for two uses */
#endif

/* ---- the dispatcher ---- */

/* pass_read and pass_plan: one snapshot. The jobs stand in serving order; the first that does not
 * fit holds the line (overtake: 0). */
inline plan()
{
    sum = seen;
    for (k : 0 .. JOBS - 1) {
#ifdef BUG_NO_HOLDS
        sum = sum + (J[k].state == ADMITTED -> J[k].row_need : 0);
#else
        sum = sum + HELD(k); /* store_holds */
#endif
    }
    for (k : 0 .. JOBS - 1) {
        if
        :: J[k].state == QUEUED && sum + J[k].need <= CAPACITY ->
            planned[k] = J[k].need;
            sum = sum + J[k].need
        :: J[k].state == QUEUED && sum + J[k].need > CAPACITY ->
            sum = CAPACITY
        :: else
        fi
    }
    sum = 0; k = 0;
}

/* store_admit: only who still waits in the group that was planned. */
#ifdef BUG_STATE
#define STILL_WAITS(j) (J[j].state != ABSENT)
#elif defined(BUG_GROUP)
#define STILL_WAITS(j) (J[j].state == QUEUED)
#else
#define STILL_WAITS(j) (J[j].state == QUEUED && J[j].need == planned[j])
#endif
inline admit(j)
{
    assert(J[j].state == QUEUED && J[j].row != OPEN); /* nobody is admitted twice at once */
    assert(J[j].old == NONE && J[j].admissions < ADMISSIONS);
    J[j].old = J[j].row;
    J[j].old_need = J[j].row_need;
    J[j].row = OPEN;
    J[j].row_need = planned[j];
    J[j].state = ADMITTED;
    J[j].admissions = J[j].admissions + 1;
    J[j].late = 0; J[j].called = 0; J[j].accepted = 0; J[j].excuse = 0; J[j].excused = 0;
}

inline write_pass() /* pass_write: one transaction; then the reading is used up */
{
    for (i : 0 .. JOBS - 1) {
        if
        :: planned[i] != 0 && STILL_WAITS(i) -> admit(i)
        :: else
        fi;
        planned[i] = 0;
    }
    i = 0;
    drop_reading();
    check_capacity();
}

/* What is due: deliver_start. The clock brings tries up at once. */
#ifdef BUG_FORGETS
/* What was admitted before the last kill is not called any more. */
#define DUE(j) (J[j].state == ADMITTED && !J[j].busy && !paused && !J[j].lost)
#else
#define DUE(j) (J[j].state == ADMITTED && !J[j].busy && !paused)
#endif

inline start_call(j) /* start_job, and the request goes out */
{
    J[j].busy = 1;
    J[j].call = J[j].admissions;
    J[j].answer = NONE;
    J[j].wire = 1;
    J[j].called = 1;
    J[j].served = 1
}

#ifdef BUG_WRITTEN_FIRST
/* What is to be called is written down as called, in a transaction before the call. */
#define START_CALL(j)                                                                              \
    :: d_step { DUE(j) -> J[j].state = RUNNING; J[j].row = (OBSERVED -> SETTLING : OPEN) };        \
        d_step { J[j].state == RUNNING -> start_call(j) }
#else
#define START_CALL(j) :: d_step { DUE(j) -> start_call(j) }
#endif

#ifdef BUG_STALE
#define STILL_CALLED(j) (J[j].state == ADMITTED)
#else
#define STILL_CALLED(j) (J[j].state == ADMITTED && J[j].admissions == J[j].call)
#endif

/* store_tried: still_called, then follow. */
inline write_try(j)
{
    if
    :: !STILL_CALLED(j) /* void */
    :: else ->
        if
        :: J[j].answer == YES -> /* accept: store_become(running), SQL_HOLD_SETTLE */
            assert(J[j].called);
            J[j].state = RUNNING;
            J[j].late = 0;
#ifdef BUG_NO_SETTLE
            rows_end(j)
#else
            J[j].row = (OBSERVED -> SETTLING : OPEN)
#endif
        :: J[j].answer == GONE -> /* STORE_REFUSED */
            assert(!J[j].accepted || J[j].excuse);
            holds_end(j);
            J[j].state = OVER
        :: else ->
            if
            :: J[j].late && MAY_GIVE_UP(j) -> unaccepted(j, J[j].answer == LOST) /* backoff_decide */
            :: else /* again */
            fi
        fi
    fi;
    J[j].busy = 0;
    J[j].answer = NONE;
    J[j].call = 0;
}

/* store_paused_lapse, and store_tidy: a hold runs out, and no try is due before its end. */
#define LAPSES(j)                                                                                  \
    (J[j].state == ADMITTED && J[j].late && paused && !J[j].busy && MAY_GIVE_UP(j))

#define LOCK_FREE (lock == 0)
#ifdef BUG_NO_LOCK
#undef LOCK_FREE
#define LOCK_FREE true
#endif

#define ENDED(j) (J[j].busy && J[j].answer != NONE)
/* callback.timeout; when no request is on its way, nothing but the time-out can end the try */
#define TIMES_OUT(j) (J[j].busy && J[j].answer == NONE && (!J[j].wire || MAY))

#if JOBS == 3
#define ANY(what) (what(0) || what(1) || what(2))
#else
#define ANY(what) (what(0) || what(1))
#endif
#define CALLS_OF(j)                                                                                \
    :: d_step { LAPSES(j) -> J[j].excused = 1; J[j].served = 1; unaccepted(j, true) }              \
    START_CALL(j)                                                                                  \
    :: d_step { ENDED(j) -> write_try(j) }                                                         \
    :: d_step { TIMES_OUT(j) -> if :: J[j].wire -> TROUBLE :: else fi;                      \
            J[j].answer = LOST; J[j].excuse = 1 }

proctype dispatcher(byte me) /* dispatch.c */
{
    byte planned[JOBS];
    byte i, k, sum;

start: /* dispatch_open: the other one leaves, or waits for the next minute */
    atomic { LOCK_FREE -> lock = me };
    { /* turn */
        do
        :: d_step { reading == COME -> plan() };
            d_step { true -> write_pass() }
        CALLS_OF(0)
        CALLS_OF(1)
#if JOBS == 3
        CALLS_OF(2)
#endif
        od
    } unless { kill == me };
    d_step { /* all that it knew is gone; the kernel lets the lock go */
        for (i : 0 .. JOBS - 1) {
            if :: J[i].busy -> J[i].excuse = 1 :: else fi;
            J[i].busy = 0; J[i].answer = NONE; J[i].call = 0;
            planned[i] = 0;
#ifdef BUG_FORGETS
            J[i].lost = (J[i].state == ADMITTED);
#endif
        }
        i = 0; k = 0; sum = 0;
        drop_reading();
        NEWS;
        kill = 0; lock = 0
    }
    goto start
}

/* ---- the source, read in the background: readers.c ---- */

#define WAITS(j) (J[j].state == QUEUED)

proctype reader()
{
    byte k;

    do
    :: d_step { reading == IDLE && lock != 0 && ANY(WAITS) && news ->
            reading = BEGUN;
#ifdef LIVE
            news = false
#endif
        } /* readers_ask */
    :: d_step { reading == BEGUN -> /* source_read: it looks somewhere between begin and end */
            reading = LOOKED;
#ifndef LEDGER
            for (k : 0 .. JOBS - 1) {
                if :: J[k].use == SEEN -> seen = seen + J[k].need :: else fi;
                if :: J[k].left == SEEN -> seen = seen + J[k].left_need :: else fi
            }
            k = 0
#endif
        }
    :: d_step { reading == LOOKED ->
            reading = COME
#ifdef BUG_READ_AT
            ;
            forget_past() /* taken for as new as it came */
#endif
        }
    :: d_step { reading == BEGUN && MAY -> TROUBLE; drop_reading(); NEWS }
    od
}

/* ---- the clock, the cloud, and what goes wrong by itself ---- */

#define STILL(what) ((what) == NONE || (what) == SEEN)
#ifdef NO_LAG
#define SETTLED(j, what) true
#else
#define SETTLED(j, what) (!J[j].wire && STILL(what)) /* LAG */
#endif
#define SETTLES(j)                                                                                 \
    (J[j].row == SETTLING && SETTLED(j, (J[j].state == RUNNING -> J[j].use : J[j].left)))

inline settle_rows(j) /* `until` is past */
{
    if :: SETTLES(j) -> J[j].row = PAST :: else fi;
    if :: J[j].old == SETTLING && SETTLED(j, J[j].left) -> J[j].old = PAST :: else fi;
    if :: reading == IDLE -> forget_past() :: else fi
}

#define CLOCK_OF(j)                                                                                \
    :: d_step { SETTLES(j) || (J[j].old == SETTLING && SETTLED(j, J[j].left)) -> settle_rows(j) }  \
    :: d_step { J[j].state == ADMITTED && !J[j].late -> J[j].late = 1 }                            \
    :: d_step { J[j].use == BUILT -> J[j].use = SEEN }                                             \
    :: d_step { J[j].left == BUILT -> J[j].left = SEEN }                                           \
    :: d_step { J[j].wire && MAY -> TROUBLE; J[j].wire = 0 } /* it got nowhere */

proctype world()
{
    byte k;

    do
    CLOCK_OF(0)
    CLOCK_OF(1)
#if JOBS == 3
    CLOCK_OF(2)
#endif
    :: d_step { !paused && MAY -> TROUBLE; paused = 1 } /* store_receiver_tried */
    :: d_step { paused -> paused = 0 }
    :: d_step { lock != 0 && kill == 0 && MAY -> TROUBLE; kill = lock } /* kill -9 */
    od
}

/* ---- clients ---- */

/* store_create: one transaction of the writer. It may be killed before it, or between it and the
 * answer; then the client posts again, and is told that the request_id is taken. */
inline create(j)
{
    if
    :: J[j].state == ABSENT -> J[j].state = QUEUED; J[j].made = 1; NEWS
    :: else ->
#ifdef BUG_TWICE
        J[j].made = 2; /* as it would be without the unique index */
#endif
        skip
    fi
    assert(J[j].made == 1) /* as often as it is posted */
}

/* A call has come, and is accepted: what it promises is taken once. */
inline take(j)
{
    J[j].wire = 0;
    if
    :: J[j].accepted /* it knows this webhook-id */
    :: !J[j].accepted && (J[j].state == ADMITTED || J[j].state == RUNNING) ->
        if :: J[j].use == NONE -> J[j].use = TAKEN :: else fi
    :: !J[j].accepted && (J[j].state == QUEUED || J[j].state == OVER) ->
        /* It came late, and says what the job asked for when it was sent. */
        if
        :: J[j].left == NONE -> J[j].left = TAKEN; J[j].left_need = J[j].row_need
        :: else
        fi
    fi;
    J[j].accepted = 1;
    check_capacity()
}

/* WORD: before it says that the job is over, or that it does not want the call. */
#define MAY_LET_GO(j)                                                                              \
    (J[j].use != BUILT && J[j].left != BUILT &&                                                    \
     (J[j].use != SEEN || (OBSERVED && J[j].left != SEEN)))
inline let_go(j)
{
    J[j].wire = 0;
    J[j].accepted = 0;
    if :: J[j].left == TAKEN -> J[j].left = NONE :: else fi;
    if :: J[j].use == SEEN -> J[j].left = SEEN; J[j].left_need = J[j].need :: else fi;
    J[j].use = NONE
}

#define HAS_NOTHING(j) (J[j].use == NONE && STILL(J[j].left))
inline refuse(j, word)
{
    let_go(j);
    if :: J[j].busy && J[j].answer == NONE -> J[j].answer = word :: else fi
}

inline says(j, to) /* store_change, store_delete */
{
    let_go(j);
    holds_end(j);
    J[j].served = 1;
    J[j].state = to;
    NEWS
}

proctype client(byte me)
{
    byte k, sum;

    do /* until the post is answered */
    :: J[me].acked -> break
    :: d_step { !J[me].acked -> create(me); J[me].acked = 1 }
    :: d_step { !J[me].acked && MAY -> TROUBLE; create(me) }
#ifdef BUG_EARLY_ANSWER
    :: d_step { !J[me].acked -> J[me].acked = 1 } /* answered, and then killed before the commit */
#endif
    od;
    assert(J[me].state != ABSENT); /* what was acknowledged is there */
    do
    :: d_step { J[me].wire ->
            if :: J[me].busy && J[me].answer == NONE -> J[me].answer = YES
               :: else -> J[me].excuse = 1 /* the call of one that was killed, or timed out */
            fi;
            take(me)
        }
    :: d_step { J[me].wire && MAY -> TROUBLE; J[me].excuse = 1; take(me) }
    :: d_step { J[me].wire && HAS_NOTHING(me) && MAY -> TROUBLE; refuse(me, NO) }
    :: d_step { J[me].wire && HAS_NOTHING(me) && MAY -> TROUBLE; refuse(me, GONE) }
    /* it builds, or does not, and gives back */
    :: d_step { J[me].use == TAKEN -> J[me].use = BUILT }
    :: d_step { J[me].left == TAKEN -> J[me].left = BUILT }
    :: d_step { J[me].use != NONE -> J[me].use = NONE; NEWS }
    :: d_step { J[me].left != NONE -> J[me].left = NONE; J[me].left_need = 0; NEWS }
    /* "running" of an admitted job: its word in place of the answer */
    :: d_step { J[me].state == ADMITTED && J[me].accepted ->
            J[me].state = RUNNING;
            J[me].row = (OBSERVED -> SETTLING : OPEN);
            J[me].late = 0
        }
    /* "running" again: all is built and seen (confirmed_at) */
    :: d_step { OBSERVED && J[me].state == RUNNING && STILL(J[me].use) && STILL(J[me].left) &&
               (J[me].row == SETTLING || J[me].old == SETTLING) ->
            J[me].wire = 0;
            J[me].accepted = 1;
            rows_end(me)
        }
    :: d_step { J[me].state == RUNNING && MAY_LET_GO(me) -> says(me, OVER) }
    :: d_step { (J[me].state == RUNNING || J[me].state == ADMITTED) && MAY_LET_GO(me) &&
               J[me].admissions < ADMISSIONS && MAY ->
            TROUBLE;
            says(me, QUEUED)
        }
    :: d_step { (J[me].state == QUEUED || J[me].state == ADMITTED) && MAY_LET_GO(me) &&
               MAY ->
            TROUBLE;
            says(me, OVER)
        }
#if CAPACITY > 1
    :: d_step { J[me].state == QUEUED && MAY -> /* other data: another group */
            TROUBLE;
            J[me].need = 3 - J[me].need;
            NEWS
        }
#endif
    od
}

/* Everybody who posts a job is called, or told; and nothing is held for ever. */
#define ENDS_WELL(j)                                                                               \
    (J[j].acked && J[j].state == OVER && J[j].served && J[j].row == NONE && J[j].old == NONE)

init
{
    atomic {
        J[0].need = 1;
        J[1].need = CAPACITY;
#if JOBS == 3
        J[2].need = 1;
#endif
        run dispatcher(1);
        run dispatcher(2);
        run reader();
        run world();
        run client(0);
        run client(1);
#if JOBS == 3
        run client(2);
#endif
    }
#ifdef LIVE
    timeout; /* nobody has anything to do any more */
    assert(ENDS_WELL(0) && ENDS_WELL(1));
#if JOBS == 3
    assert(ENDS_WELL(2));
#endif
#endif
}
