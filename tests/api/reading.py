# SPDX-License-Identifier: MIT
"""Readings of sources as a dispatcher keeps them, written straight into the database."""
import contextlib
import sqlite3

READING = ("INSERT INTO readings (queue, tried_at, ns, read_at, error, about) VALUES (?, ?, ?, ?, ?, ?)",)
POOL = ("INSERT INTO reading_pools (queue, pool, open, closed, unread, exact) VALUES (?, ?, ?, ?, ?, ?)",)
PROJECT = ("INSERT INTO reading_projects (queue, project, pool) VALUES (?, ?, ?)",)
HOST = ("INSERT INTO reading_hosts (queue, pool, host) VALUES (?, ?, ?)",)
TOTAL = ("INSERT INTO reading_totals (queue, host, resource, amount, used) VALUES (?, ?, ?, ?, ?)",)
HOLD = ("INSERT INTO holds (queue, host, resource, job_id, since, amount, until) VALUES (?, ?, ?, ?, ?, ?, ?)",)

CLOUD = {"queues": {"vm": {"capacity": "openstack", "callback_base": "http://127.0.0.1:@PORT@/demo/callback/"}}}


def write(a, *statements):
    """Statements, each with its rows."""
    with contextlib.closing(sqlite3.connect(a.db_path, timeout=10)) as db:
        for sql, *rows in statements:
            db.executemany(sql, rows or [()])
        db.commit()
