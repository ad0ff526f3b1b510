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
              ("write", "EDQUOT", True, 1), ("write", "EFBIG", True, 1), ("sync", "EIO", True, 1), ("sync", "ENOSPC", True, 1),
              ("name", "EIO", True, 1), ("lock", "EINTR", False, 1), ("lock", "ENOLCK", False, 1)]
# What a change does only then: its pages are in memory, and the files have their length.
OF_CHANGES_WHEN = [(nth.after_another, "read", "EIO", True, 6), (nth.without_reserve, "length", "ENOSPC", True, 1),
                   (nth.without_reserve, "name", "EIO", True, 1), (nth.without_reserve, "open", "EMFILE", True, 1)]
# A read opens nothing; the index of the log is mapped when a connection is opened, which test_nth_start does.
OF_READS = [("read", "EIO", True, 1), ("lock", "ENOLCK", False, 1)]
OF_SOCKETS = [("receive", "ECONNRESET", True, 1), ("receive", "EINTR", False, 1), ("receive", "EAGAIN", False, 1),
              ("send", "EPIPE", True, 1), ("send", "ECONNRESET", True, 1), ("wait", "EINTR", False, 1), ("wait", "ENOMEM", False, 1)]

def sweep_all(s, requests, kind, error, forever, short):
    number = 0
    for request in requests:
        number += sweep_request(s, request, kind, error, short=short)
        if forever or (soak.seconds() and kind == "lock" and error != "EINTR"):
            number += sweep_request(s, request, kind, error, forever=True, short=short)
    assert number > 0, "nothing failed, so nothing was tested"
    soak.figure("An error answer never lies", f"{kind} {error}: {number} failed in {len(requests)} requests like {requests[0].__name__},"
                f" {s.ended} restarts so far")


@pytest.mark.parametrize("kind, error, forever, short", OF_CHANGES, ids=lambda v: str(v))
def test_a_change_whose_files_fail_is_refused_or_done(s, kind, error, forever, short):
    before = s.ended
    sweep_all(s, CHANGES, kind, error, forever, short)
    # A disk that is full, a quota that is used up, a file that may not grow: nothing is committed, and that is known.
    assert s.ended == before or error == "EIO" or kind == "sync"


@pytest.mark.parametrize("when, kind, error, forever, short", OF_CHANGES_WHEN, ids=lambda v: getattr(v, "__name__", str(v)))
def test_a_change_that_finds_more_to_do_is_refused_or_done(s, when, kind, error, forever, short):
    sweep_all(s, [when(change) for change in CHANGES], kind, error, forever, short)


@pytest.mark.parametrize("kind, error, forever, short", OF_READS, ids=lambda v: str(v))
def test_a_read_whose_files_fail_is_refused_or_right(s, kind, error, forever, short):
    before = s.ended
    sweep_all(s, FRESH, kind, error, forever, short)
    assert s.ended == before


@pytest.mark.parametrize("kind, error, forever, short", OF_SOCKETS, ids=lambda v: str(v))
def test_a_request_whose_connection_fails_is_refused_or_done(s, kind, error, forever, short):
    before = s.ended
    sweep_all(s, [nth.post, nth.delete, reads(FEW)], kind, error, forever, short)
    assert s.ended == before
