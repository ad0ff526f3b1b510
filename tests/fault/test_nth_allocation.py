# SPDX-License-Identifier: MIT
"""The Nth allocation fails, for every N, once and for ever: in every request, and in every run of the other programs.

libfcgi is left out: it asserts that malloc gave it memory, and ends the process when it did not; whatever supervises the service
starts it again. In runs of whole programs OpenSSL is left out, too: it crashes without memory for what it loads at its first use."""
import pytest

import harness
import soak
from nth import READS, WRITES, Service, first_document, sweep_request

pytestmark = pytest.mark.ordinary


@pytest.fixture(scope="module")
def s(tmp_path_factory):
    with harness.factory(tmp_path_factory) as make:
        service = Service(make, tmp_path_factory.mktemp("failing"))
        yield service
        service.close()


COSTLY = {"post_array": 9, "delete": 3}  # each so many-th in the short form


@pytest.mark.parametrize("request_", WRITES + READS, ids=lambda r: r.__name__)
def test_a_request_without_memory_is_refused_or_done(s, request_):
    short = COSTLY.get(request_.__name__, 1)
    once = sweep_request(s, request_, "memory", short=short)
    ever = sweep_request(s, request_, "memory", forever=True, short=2 * short)
    assert once > 0 and ever > 0, "nothing failed, so nothing was tested"
    # What failed again and again has left nothing behind each time; caches of SQLite's and of threads grow once.
    left, again = [], 0
    while not left or left[-1] >= max(16, again // 2):
        assert len(left) < 3, f"left behind by so many requests, again and again: {left}"
        live = s.failing.live
        again = sweep_request(s, request_, "memory", short=2 * short)
        left.append(s.failing.live - live)
    assert s.ended == 0
    soak.figure("An error answer never lies", f"{request_.__name__}: {once} + {ever} allocations that failed, once and for ever")


def test_the_first_document_without_memory_is_refused_or_whole(s):
    assert sweep_request(s, first_document, "memory") > 0
    assert sweep_request(s, first_document, "memory", forever=True) > 0
