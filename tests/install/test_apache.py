# SPDX-License-Identifier: MIT
"""Debian's Apache with the file that is installed: each of its three ways. (tests/api/test_apache.py has what goes through it.)"""
import pytest

import guide
from machine import wait_until
from visitor import a_job_runs, answers, ask, configure, sees_the_console


@pytest.fixture(scope="module")
def m(machine):
    m = machine()
    guide.do(m, "From source", change=lambda text: text.replace("make\n", "", 1))
    guide.do(m, "Configuration")
    configure(m)
    guide.do(m, "systemd")
    m.run("systemctl start apache2")
    guide.do(m, "Apache")
    answers(m)
    return m


def test_by_proxy_to_the_socket_of_systemd(m):
    a_job_runs(m, "j1")
    sees_the_console(m)
    assert ask(m, "GET", "/nothing/here/at/all")[1]["code"] == "not_found"


@pytest.mark.parametrize("way", ["fcgid", "cgi"])
def test_started_by_apache(m, way):
    module = {"cgi": "cgid"}.get(way, way)
    guide.do(m, "Apache", 1, change=lambda text: text.replace("anteroom_fcgid", f"anteroom_{way}").replace("a2enmod fcgid", f"a2enmod {module}"))
    answers(m)
    assert m.run("systemctl is-active anteroom-fcgi.service", code=None).stdout.strip() == "inactive"
    a_job_runs(m, f"j-{way}")
    # mod_fcgid keeps the program; CGI does not, and the last one leaves in a moment.
    wait_until(lambda: bool(m.run("pgrep -u www-data -x anteroom.fcgi", code=None).stdout) == (way == "fcgid"), what="what runs")
    sees_the_console(m)
    assert {j["RequestID"] for j in ask(m, "GET", "/v1/vm/")[1]["data"]} >= {"j1", f"j-{way}"}, "the same queue as before"
