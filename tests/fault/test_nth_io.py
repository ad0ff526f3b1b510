# SPDX-License-Identifier: MIT
"""The Nth call to the system fails, for every N, once and for ever: files, flushes, locks, sockets, in every request.

An interrupted call (EINTR), one that is to be asked again (EAGAIN) and waiting that fails are made once only: for ever, they are no
fault but the end of the system. A lock of SQLite's that cannot be had is tried again for seconds: once only in the short form."""
import pytest

import harness
import nth
import soak
from nth import FEW, Service, reads, sweep_request

pytestmark = pytest.mark.ordinary


@pytest.fixture(scope="module")
def s(tmp_path_factory):
    with harness.factory(tmp_path_factory) as make:
        service = Service(make, tmp_path_factory.mktemp("failing"))
        yield service
        service.close()


CHANGES = [nth.post, nth.post_array, nth.change_priority, nth.move_to_front, nth.delete, nth.pause]
FRESH = [reads(FEW, fresh=True), reads(FEW + "first/wait", shape=True, fresh=True), reads("/queues/", shape=True, fresh=True)]

# kind, errno, also for ever, each so many-th in the short form: one that ends the service costs a start.
OF_CHANGES = [("open", "EMFILE", True, 1), ("open", "ENOSPC", True, 1), ("write", "EIO", True, 1), ("write", "ENOSPC", True, 1),
              ("write", "EDQUOT", True, 1), ("write", "EFBIG", True, 1), ("length", "ENOSPC", True, 1), ("sync", "EIO", True, 1),
              ("sync", "ENOSPC", True, 1), ("name", "EIO", True, 1), ("lock", "EINTR", False, 1), ("lock", "ENOLCK", False, 1),
              ("map", "ENOMEM", True, 1)]
OF_READS = [("read", "EIO", True, 1), ("open", "EMFILE", True, 1), ("lock", "ENOLCK", False, 1), ("map", "ENOMEM", True, 1),
            ("name", "EIO", True, 1)]
OF_SOCKETS = [("receive", "ECONNRESET", True, 1), ("receive", "EINTR", False, 1), ("receive", "EAGAIN", False, 1),
              ("send", "EPIPE", True, 1), ("send", "ECONNRESET", True, 1), ("wait", "EINTR", False, 1), ("wait", "ENOMEM", False, 1)]
# Calls that these requests may do without: a file that has its length, an index that is mapped, a log that is open.
NONE_OF_CHANGES, NONE_OF_READS = {"length", "map"}, {"open", "map", "name"}


def sweep_all(s, requests, kind, error, forever, short):
    number = 0
    for request in requests:
        number += sweep_request(s, request, kind, error, short=short)
        if forever or (soak.seconds() and kind == "lock" and error != "EINTR"):
            number += sweep_request(s, request, kind, error, forever=True, short=short)
    soak.figure("An error answer never lies", f"{kind} {error}: {number} failed in {len(requests)} requests, {s.ended} restarts so far")
    return number


@pytest.mark.parametrize("kind, error, forever, short", OF_CHANGES, ids=lambda v: str(v))
def test_a_change_whose_files_fail_is_refused_or_done(s, kind, error, forever, short):
    before = s.ended
    assert sweep_all(s, CHANGES, kind, error, forever, short) > 0 or kind in NONE_OF_CHANGES
    # A disk that is full, a quota that is used up, a file that may not grow: nothing is committed, and that is known. What is mapped
    # is the log's index, and SQLite says no more than that a file failed.
    assert s.ended == before or error == "EIO" or kind in ("sync", "map")


@pytest.mark.parametrize("kind, error, forever, short", OF_READS, ids=lambda v: str(v))
def test_a_read_whose_files_fail_is_refused_or_right(s, kind, error, forever, short):
    before = s.ended
    assert sweep_all(s, FRESH, kind, error, forever, short) > 0 or kind in NONE_OF_READS
    assert s.ended == before


@pytest.mark.parametrize("kind, error, forever, short", OF_SOCKETS, ids=lambda v: str(v))
def test_a_request_whose_connection_fails_is_refused_or_done(s, kind, error, forever, short):
    before = s.ended
    assert sweep_all(s, [nth.post, nth.delete, reads(FEW)], kind, error, forever, short) > 0
    assert s.ended == before
