/* SPDX-License-Identifier: MIT */
/* Every statement that the store can run, by name. A test (test_store_sql) looks at the plan of
 * each. */
#ifndef AR_STORE_SQL_H
#define AR_STORE_SQL_H

#include "db.h"

enum store_sql_name {
    SQL_SAVEPOINT,
    SQL_RELEASE,
    SQL_UNDO,
    SQL_READ_BEGIN,
    SQL_READ_END,
    SQL_INSTANCE,
    /* queues */
    SQL_QUEUE_GET,
    SQL_QUEUE_TOUCH,
    SQL_QUEUE_ADD,
    SQL_QUEUE_TOUCH_OF_GROUP,
    /* groups */
    SQL_GROUP_FIND,
    SQL_GROUP_ADD,
    SQL_GROUP_ALL,
    SQL_GROUP_HEAD,
    SQL_GROUP_NEXT_SAME,
    SQL_GROUP_NEXT,
    SQL_GROUP_GUARDED_SAME,
    SQL_GROUP_GUARDED,
    SQL_GROUP_REASON,
    SQL_GROUP_FORGET,
    SQL_OLDEST_WAITING,
    /* jobs: one */
    SQL_JOB_ADD,
    SQL_JOB_SHOW,
    SQL_JOB_BY_ID,
    SQL_JOB_ADMITTED,
    SQL_JOB_TOUCH,
    SQL_JOB_PRIORITY,
    SQL_JOB_MAKE_WAY,
    SQL_JOB_CALLBACK,
    SQL_JOB_DATA,
    SQL_JOB_NOT_BEFORE,
    SQL_JOB_VALID_UNTIL,
    SQL_JOB_GROUP,
    SQL_JOB_QUEUED,
    SQL_JOB_HELD,
    SQL_JOB_RUNNING,
    SQL_JOB_OVER,
    SQL_JOB_DELETE,
    /* jobs: in serving order */
    SQL_LIST_SAME,
    SQL_LIST,
    SQL_LIST_OWNER_SAME,
    SQL_LIST_OWNER,
    SQL_AT_PRIORITY,
    SQL_NEXT_SAME,
    SQL_NEXT,
    SQL_PREVIOUS_SAME,
    SQL_PREVIOUS,
    /* what the clock brings up */
    SQL_ASLEEP,
    SQL_ENDING,
    SQL_LAPSED,
    SQL_NEXT_ASLEEP,
    SQL_NEXT_ENDING,
    SQL_NEXT_DUE,
    /* admissions, holds, callbacks */
    SQL_ADMIT,
    SQL_PLACE,
    SQL_HOLD_ADD,
    SQL_HOLD_DROP,
    SQL_HOLD_SETTLE,
    SQL_HOLD_END,
    SQL_HOLD_SUM,
    SQL_HOLDERS,
    SQL_HOLD_BOOKS,
    SQL_HOLD_REBOOK,
    SQL_HOLD_OLD,
    SQL_HOLD_DROP_OLD,
    SQL_UNPLACED,
    SQL_DUE,
    SQL_TRY_AGAIN,
    /* readings */
    SQL_READING_GET,
    SQL_READING_SET,
    SQL_READING_FAILED,
    SQL_READING_POOLS_DROP,
    SQL_READING_POOL_ADD,
    SQL_READING_PROJECTS_DROP,
    SQL_READING_PROJECT_ADD,
    SQL_READING_HOSTS_DROP,
    SQL_READING_HOST_ADD,
    SQL_READING_TOTALS_DROP,
    SQL_READING_TOTAL_ADD,
    SQL_READING_USED,
    SQL_READING_USED_SET,
    SQL_READING_OF_POOL,
    SQL_POOLS_ALL,
    SQL_POOLS_CALLED,
    SQL_POOLS_OF_PROJECT,
    SQL_POOLS_OPEN,
    SQL_VIEW_POOLS,
    SQL_VIEW_PROJECTS,
    SQL_VIEW_HOSTS,
    SQL_VIEW_POOLS_OF_HOST,
    SQL_VIEW_OF_HOST,
    SQL_VIEW_OF_POOL,
    /* paused queues, and how many jobs hold something */
    SQL_QUEUE_PAUSE,
    SQL_QUEUE_ADD_PAUSED,
    SQL_HOLDING,
    /* first answers */
    SQL_ANSWER_FIND,
    SQL_ANSWER_ADD,
    SQL_ANSWER_OLD,
    SQL_ANSWER_DROP_OLD,
    SQL_NAMES
};

extern const char *const store_sql[SQL_NAMES];

#endif
