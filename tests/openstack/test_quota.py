# SPDX-License-Identifier: MIT
"""The project's quota is a second gate: a job that fits on the hosts waits for it, and Nova refuses nobody for it."""
import pytest

from bed import THIRD


@pytest.mark.parametrize("line, one, two, words", [
    ("cores", 4, 8, "cores: needs 4, and 0 of 4 are left"),
    ("ram", 2560, 5120, "ram: needs 2560, and 0 of 2560 are left"),
    ("instances", 1, -1, "instances: needs 1, and 0 of 1 are left"),
])
def test_a_job_waits_for_its_quota_and_goes_when_it_is_raised(bed, anteroom, portal, line, one, two, words):
    bed.admin.set_quota(bed.projects["tenant-a"], **{line: one})
    p = portal(anteroom())
    p.ask("first", "tenant-a", THIRD)
    p.wait_confirmed(1)
    p.ask("second", "tenant-a", THIRD)
    p.waits("second", "QuotaExceeded", bed.projects["tenant-a"], words)
    p.ask("of-others", "tenant-b", THIRD)
    p.wait_confirmed(2)
    bed.admin.set_quota(bed.projects["tenant-a"], **{line: two})
    p.wait_confirmed(3)


def test_a_quota_is_not_promised_twice(bed, anteroom, portal):
    """Room for nine, a quota for two."""
    bed.admin.set_quota(bed.projects["tenant-a"], cores=8)
    p = portal(anteroom())
    for i in range(5):
        p.ask(f"j{i}", "tenant-a", THIRD)
    for i in range(0, 4, 2):
        p.wait_confirmed(2)
        for name in list(p.confirmed):
            p.leave(name)
    p.wait_confirmed(1)


def test_what_is_larger_than_the_whole_quota_waits_for_it_to_be_raised(bed, anteroom, portal):
    bed.admin.set_quota(bed.projects["tenant-a"], cores=3)
    p = portal(anteroom(), boots=False)
    p.ask("j", "tenant-a", THIRD)
    p.waits("j", "QuotaExceeded", "cores: needs 4, and 3 of 3 are left")


def test_a_queue_that_does_not_look_at_quotas(bed, anteroom, portal):
    bed.admin.set_quota(bed.projects["tenant-a"], cores=0)
    p = portal(anteroom(quota="off"), boots=False)
    p.ask("j", "tenant-a", THIRD)
    p.hosts("j")
