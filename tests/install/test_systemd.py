# SPDX-License-Identifier: MIT
"""From source, with systemd and nginx: the commands of INSTALL on a machine that has booted."""
import re

import pytest

import guide
from machine import ROOT, wait_until
from visitor import a_job_runs, answers, ask, ask_softly, configure

SERVICES = ("anteroom-fcgi", "anteroom-dispatch")


@pytest.fixture(scope="module")
def m(machine):
    """Installed, configured and started as INSTALL says."""
    m = machine()
    m.before = m.files()
    guide.do(m, "From source", change=lambda text: text.replace("make\n", "", 1))  # built it is already
    guide.do(m, "Configuration")
    configure(m)
    m.run("systemctl start nginx")
    guide.do(m, "systemd")
    assert "[warn]" not in guide.do(m, "nginx").stderr
    answers(m)
    return m


def show(m, unit, name):
    return m.out(f"systemctl show --value -p {name} {unit}")


def unhurried(m):
    """No person starts a service more than five times in ten seconds, which systemd refuses."""
    m.run("systemctl reset-failed anteroom-fcgi.socket anteroom-fcgi.service anteroom-dispatch.service", code=None)


def test_what_is_configured_is_found_sound(m):
    said = guide.do(m, "Configuration", 1).stdout
    assert "vm" in said, said


def test_a_job_runs_and_the_command_shows_it(m):
    a_job_runs(m, "j1")
    assert m.out("runuser -u anteroom -- anteroom token list") is not None
    assert "event=ready" in m.out("journalctl -u anteroom-fcgi -u anteroom-dispatch")


def test_everything_belongs_to_one_user_and_nobody_else_reads_it(m):
    listed = m.out("find /var/lib/anteroom /var/log/anteroom /etc/anteroom /run/anteroom -printf '%u:%g %m %y %p\\n'").splitlines()
    for line in listed:
        who, mode, kind, path = line.split(" ", 3)
        owner = {"/run/anteroom/fcgi.sock": "anteroom:www-data", "/run/anteroom": "root:root"}.get(
            path, "root:anteroom" if path.startswith("/etc") else "anteroom:anteroom")
        assert who == owner, line
        assert path == "/run/anteroom" or int(mode, 8) & 0o007 == 0, line
    assert m.run("runuser -u nobody -- ls /var/lib/anteroom", code=None).returncode != 0


def test_the_working_directory_is_the_databases(m):
    pid = show(m, "anteroom-dispatch.service", "MainPID")
    assert m.out(f"readlink /proc/{pid}/cwd") == "/var/lib/anteroom"


def test_it_is_started_by_a_connection(m):
    """The socket is systemd's: a service that does not run yet is started by the first request, and nobody is refused."""
    m.run("systemctl stop anteroom-fcgi.service")
    assert show(m, "anteroom-fcgi.service", "ActiveState") == "inactive"
    assert ask(m, "GET", "/v1/vm/")[0] == 200
    assert show(m, "anteroom-fcgi.service", "ActiveState") == "active"


def test_what_dies_is_started_again(m):
    unhurried(m)
    for unit in SERVICES:
        before = show(m, unit, "MainPID")
        m.run(f"kill -9 {before}")
        wait_until(lambda: show(m, unit, "MainPID") not in ("0", before) and show(m, unit, "SubState") == "running", what=f"{unit} again")
    answers(m)
    a_job_runs(m, "j2")


def test_a_wrong_configuration_is_said_and_not_tried_for_ever(m):
    m.run("cp -p /etc/anteroom/anteroom.yaml /tmp/; echo 'nonsense: 1' >>/etc/anteroom/anteroom.yaml; systemctl restart anteroom-dispatch", code=None)
    wait_until(lambda: show(m, "anteroom-dispatch", "ActiveState") == "failed", what="its failure")
    assert show(m, "anteroom-dispatch", "ExecMainStatus") == "78" and show(m, "anteroom-dispatch", "NRestarts") == "0"
    assert "nonsense" in m.out("journalctl -u anteroom-dispatch -n 5")
    # The service too, which each request would start again: it is given up soon.
    m.run("systemctl restart anteroom-fcgi.service", code=None)
    wait_until(lambda: ask_softly(m, "GET", "/v1/vm/") == 503 and show(m, "anteroom-fcgi.socket", "ActiveState") == "failed", what="its end")
    m.run("cp -p /tmp/anteroom.yaml /etc/anteroom/")
    guide.do(m, "systemd", 2)
    answers(m)


def test_systemd_itself_finds_the_units_sound_and_closed(m):
    assert m.run("systemd-analyze verify $(find /usr/local/lib/systemd/system -type f -name 'anteroom-*.*' ! -name '*.conf')", code=None).stderr == ""
    promised = float(re.search(r"`systemd-analyze security anteroom-fcgi` says\n(\d\.\d) ", (ROOT / "INSTALL").read_text())[1])
    for unit in ("anteroom-fcgi", "anteroom-dispatch", "anteroom-dispatch-run"):
        m.run(f"systemd-analyze security --no-pager --threshold={int(promised * 10)} {unit}.service")


def test_the_kernel_holds_the_services_to_it(m):
    """Of the hardening, what can be seen from outside of the process."""
    for unit in SERVICES:
        pid = show(m, unit, "MainPID")
        status = dict(line.split(":\t", 1) for line in m.read(f"/proc/{pid}/status").splitlines() if ":\t" in line)
        assert (status["NoNewPrivs"], status["Seccomp"], int(status["CapBnd"], 16)) == ("1", "2", 0), (unit, status)
        assert m.out(f"stat -c %U /proc/{pid}") in ("anteroom", "root")
        mounts = m.read(f"/proc/{pid}/mountinfo")
        assert any(f[4] == "/" and f[5].startswith("ro") for f in map(str.split, mounts.splitlines())), unit
        assert m.out(f"nsenter -t {pid} -m ls -A /home /root") in ("/home:\n\n/root:", "")


def test_the_start_of_the_machine_is_known_by_its_name(m):
    """Found by review: where the units hid it, each process took the clock that the other had noted for one of another start."""
    boot = m.read("/proc/sys/kernel/random/boot_id").strip()
    assert m.out("runuser -u anteroom -- sqlite3 -readonly /var/lib/anteroom/anteroom.db 'SELECT boot FROM clock'").startswith(boot)


# Its seats tell what it may do: write to a folder of its own, set a priority.
PROGRAM = r"""#!/bin/sh
n=100
touch /srv/slurm/x 2>/dev/null && n=$((n + 1))
[ "$(nice -n 5 nice 2>/dev/null)" -gt "$(nice)" ] && n=$((n + 2))
printf '{"hosts": {"node": {"total": {"seat": %s}}}}\n' $n
"""


def test_a_program_of_ones_own_runs_under_it_and_is_given_what_it_lacks(m):
    m.write("/usr/local/bin/seats", PROGRAM)
    m.run("chmod 755 /usr/local/bin/seats; install -d -o anteroom /srv/slurm")
    m.run("echo '  seat: {capacity: exec, program: [/usr/local/bin/seats]}' >>/etc/anteroom/anteroom.yaml")

    def seats():
        unhurried(m)
        m.run("systemctl restart anteroom-fcgi anteroom-dispatch")
        answers(m)
        hosts = wait_until(lambda: ask(m, "GET", "/queues/seat/capacity")[1]["data"]["Hosts"], what="a reading")
        return hosts[0]["Resources"]["seat"]["Total"]

    assert seats() == 100
    m.run("mkdir -p /etc/systemd/system/anteroom-dispatch.service.d")
    m.write("/etc/systemd/system/anteroom-dispatch.service.d/override.conf", guide.text("Programs of your own"))
    m.run("systemctl daemon-reload")
    wait_until(lambda: seats() == 103, what="the reading of a program that may do more")
    m.run("rm -r /etc/systemd/system/anteroom-dispatch.service.d /srv/slurm; sed -i '/^  seat:/d' /etc/anteroom/anteroom.yaml; systemctl daemon-reload")


def test_logs_in_files_are_turned_over_and_written_on(m):
    """logrotate with the file that is installed: both programs go on in the new file, and none holds the old one."""
    unhurried(m)
    guide.do(m, "Logs")
    answers(m)
    a_job_runs(m, "l1")
    folder = "/var/log/anteroom"
    said = m.run("logrotate -d /etc/logrotate.d/anteroom")
    assert "error" not in said.stderr and f"considering log {folder}/anteroom.log" in said.stderr, said.stderr
    m.run("logrotate -f /etc/logrotate.d/anteroom")
    pids = [show(m, unit, "MainPID") for unit in SERVICES]

    def open_files():
        return sorted(set(m.out(f"find /proc/{pids[0]}/fd /proc/{pids[1]}/fd -lname '{folder}/*' -printf '%h %l\\n'", code=None).splitlines()))

    wait_until(lambda: open_files() == sorted(f"/proc/{pid}/fd {folder}/anteroom.log" for pid in pids), what="the new file in both programs")
    assert "event=ready" in m.read(f"{folder}/anteroom.log.1")
    assert m.out(f"stat -c '%U:%G %a' {folder}/anteroom.log") == "anteroom:anteroom 640"
    a_job_runs(m, "l2")
    wait_until(lambda: "program=anteroom-dispatch event=pass" in m.read(f"{folder}/anteroom.log"), what="a pass in the new file")
    assert [show(m, unit, "MainPID") for unit in SERVICES] == pids, "SIGHUP ends nobody"
    unhurried(m)
    m.run("sed -i '/^log_file:/d' /etc/anteroom/anteroom.yaml; systemctl restart anteroom-fcgi anteroom-dispatch")
    answers(m)


def test_the_timer_in_place_of_the_service(m):
    unhurried(m)
    guide.do(m, "systemd", 1)
    assert show(m, "anteroom-dispatch.service", "ActiveState") == "inactive"
    a_job_runs(m, "j3")
    assert show(m, "anteroom-dispatch-run.service", "ActiveState") == "activating"
    # Back again while the last run is at work: the service leaves, and comes again (found by review: it stayed away).
    m.run("systemctl disable --now anteroom-dispatch.timer; systemctl start anteroom-dispatch.service")
    wait_until(lambda: int(show(m, "anteroom-dispatch.service", "NRestarts")) > 0, what="the service has met another dispatcher")
    m.run("systemctl stop anteroom-dispatch-run.service")
    a_job_runs(m, "j4")
    assert show(m, "anteroom-dispatch.service", "ActiveState") == "active"


def test_a_secret_as_readme_makes_it_is_one(m):
    line, = [x for x in (ROOT / "README.md").read_text().splitlines() if x.startswith("    ") and "/dev/stdin" in x]
    m.run(line)
    m.run("echo '{database: /var/lib/anteroom/anteroom.db, callback: {secret_file: /etc/anteroom/callback.secret}}' > /etc/anteroom/secret.yaml")
    m.run("runuser -u anteroom -- anteroom-dispatch --config /etc/anteroom/secret.yaml --check")
    m.run("rm /etc/anteroom/secret.yaml /etc/anteroom/callback.secret")


def test_an_upgrade_and_the_backup(m):
    unhurried(m)
    guide.do(m, "Upgrade", change=lambda text: text.replace("make\n", "", 1))
    answers(m)
    guide.do(m, "Backup and restore")
    assert m.out("stat -c %U /var/lib/anteroom/backup.db; rm /var/lib/anteroom/backup.db") == "anteroom"


def test_the_end_removal_leaves_nothing(m):
    m.run("rm -f /usr/local/bin/seats /tmp/anteroom.yaml")
    assert [p for p in m.files() if "anteroom" in p]
    guide.do(m, "Removal")
    assert ask_softly(m, "GET", "/healthz") in (0, 502, 503)
    m.run("rm -f /etc/nginx/anteroom-locations.conf /etc/nginx/conf.d/anteroom.conf; nginx -t")
    left = m.files() - m.before
    assert not [p for p in left if "anteroom" in p]
    assert m.out(f"find {' '.join(left)} ! -type d") == "", "of the folders that others use too, none has a file of ours"
    assert m.run("getent passwd anteroom", code=None).returncode != 0
    assert "anteroom" not in m.out("systemctl list-unit-files")
