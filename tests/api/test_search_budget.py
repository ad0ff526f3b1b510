# SPDX-License-Identifier: MIT
"""A placement that cannot be found within the limit of steps: the job waits and says so, and does not take the pass with it."""
import random

import pytest

from cloud import create, lab, reason, states

HOST = 1000000
SEED = 7  # of the demand alone: what is asked does not change from run to run


def too_hard(hosts, each):
    """`each` amounts a host, all different and about the same size, that fill the hosts to the last unit together. Whether they
    can be dealt out is anybody's guess."""
    pick = random.Random(SEED)
    amounts = [HOST // each + pick.randint(-HOST // 10, HOST // 10) for _ in range(hosts * each - 1)]
    rest = hosts * HOST - sum(amounts)
    amounts = [a + (rest - HOST // each) // len(amounts) for a in amounts]
    return [*amounts, hosts * HOST - sum(amounts)]


@pytest.mark.parametrize("overtake", ["forever", 0])
def test_the_job_waits_and_says_so_and_holds_nobody_up(anteroom, overtake):
    """Found by review: on empty hosts it held their line for ever."""
    a = anteroom(lab({f"n{i}": {"gpu": HOST} for i in range(10)}, overtake=overtake))
    create(a, "hard", *too_hard(10, 5))
    create(a, "easy", 1)
    a.dispatch()
    word, text = reason(a, "hard")
    assert word == "SearchBudget" and "limit of steps" in text
    assert states(a) == {"hard": "queued", "easy": "running"}
