# SPDX-License-Identifier: MIT
"""The Debian package: sound by lintian, and installed, used, upgraded, removed and purged on machines of its own."""
import shutil
import subprocess

import pytest

import guide
from machine import HERE, ROOT
from visitor import a_job_runs, answers, configure

UNITS = ("anteroom-fcgi.service", "anteroom-fcgi.socket", "anteroom-dispatch.service", "anteroom-dispatch.timer")


def files_of(deb):
    listed = subprocess.run(["dpkg-deb", "-c", deb], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split(None, 5)[5].removeprefix("."): line.split()[:2] for line in listed}


def test_lintian_finds_no_error_and_no_warning(deb):
    done = subprocess.run(["lintian", "--profile", "debian", "--fail-on", "error,warning", deb], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_belongs_to_root_and_the_folders_are_debians(deb):
    files = files_of(deb)
    assert {owner for _, owner in files.values()} == {"root/root"}
    assert {p.split("/")[1] for p in files if p != "/"} == {"etc", "lib", "usr"}
    assert not [p for p in files if p.startswith("/usr/local")]
    for path, mode in [("/usr/bin/anteroom", "-rwxr-xr-x"), ("/etc/anteroom/anteroom.yaml", "-rw-r-----"),
                       ("/usr/share/man/man8/anteroom.8.gz", "-rw-r--r--"), ("/lib/systemd/system/anteroom-fcgi.service", "-rw-r--r--")]:
        assert files[path][0] == mode
    for path in ("/usr/share/bash-completion/completions/anteroom", "/usr/share/zsh/vendor-completions/_anteroom", "/usr/share/anteroom/www/index.html"):
        assert path in files
    control = subprocess.run(["dpkg-deb", "-f", deb], capture_output=True, text=True, check=True).stdout
    for library in ("libc6", "libcurl4", "libfcgi0ldbl", "libjson-c5", "libsqlite3-0", "libssl3", "libyaml-0-2"):
        assert library in control, "a library that the programs are linked with is no dependency"


def test_the_same_source_makes_the_same_package(deb, scratch):
    shutil.copy(deb, scratch / "first.deb")
    subprocess.run(["make", "-s", "deb"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    assert (scratch / "first.deb").read_bytes() == deb.read_bytes()


def edited(deb, scratch, version):
    """The same package as another version, with another text in its configuration."""
    tree = scratch / "tree"
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(control.read_text().replace("Version: ", f"Version: {version}+", 1))
    conf = tree / "etc/anteroom/anteroom.yaml"
    conf.write_text("# a new version's text\n" + conf.read_text())
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, scratch / "new.deb"], check=True, capture_output=True)
    return scratch / "new.deb"


@pytest.fixture(scope="module")
def m(machine, deb):
    m = machine()
    m.before = m.files()
    guide.do(m, "Debian package", 1)
    return m


def test_it_starts_nothing_and_makes_its_user_and_folders(m):
    assert m.out("dpkg -s anteroom | grep ^Status") == "Status: install ok installed"
    for unit in UNITS:
        assert m.run(f"systemctl is-active {unit}", code=None).stdout.strip() == "inactive"
        assert m.run(f"systemctl is-enabled {unit}", code=None).stdout.strip() == "disabled"
    listed = m.out("stat -c '%U:%G %a %n' /etc/anteroom /etc/anteroom/anteroom.yaml /var/lib/anteroom /var/log/anteroom").splitlines()
    assert listed == ["root:anteroom 750 /etc/anteroom", "root:anteroom 640 /etc/anteroom/anteroom.yaml",
                      "anteroom:anteroom 750 /var/lib/anteroom", "anteroom:anteroom 750 /var/log/anteroom"]
    assert m.out("getent passwd anteroom").endswith(":/var/lib/anteroom:/usr/sbin/nologin")
    assert m.run("dpkg --verify anteroom", code=None).stdout.replace("\n", "") == ""


def test_it_is_configured_and_used(m):
    guide.do(m, "Configuration", 1)
    configure(m)
    m.run("systemctl start nginx")
    guide.do(m, "systemd")
    guide.do(m, "nginx", change=lambda text: text.replace("/usr/local/", "/usr/"))
    answers(m)
    a_job_runs(m, "j1")
    assert m.out("man -w anteroom-dispatch anteroom anteroom.fcgi anteroom.yaml").count("/usr/share/man/") == 4


def test_an_upgrade_keeps_the_configuration_and_restarts_what_runs(m, deb, scratch):
    pids = [m.out(f"systemctl show --value -p MainPID {unit}") for unit in ("anteroom-fcgi", "anteroom-dispatch")]
    conf = m.read("/etc/anteroom/anteroom.yaml")
    m.run("chmod 600 /etc/anteroom/anteroom.yaml; chown anteroom /etc/anteroom/anteroom.yaml")
    m.copy(edited(deb, scratch, "9"), "/tmp/new.deb")
    m.run("dpkg --force-confold -i /tmp/new.deb; rm /tmp/new.deb")
    assert m.read("/etc/anteroom/anteroom.yaml") == conf
    assert m.out("stat -c '%U %a' /etc/anteroom/anteroom.yaml") == "anteroom 600", "what the operator had set was set back"
    answers(m)
    assert not set(pids) & {m.out(f"systemctl show --value -p MainPID {unit}") for unit in ("anteroom-fcgi", "anteroom-dispatch")}
    a_job_runs(m, "j2")


def test_removed_it_keeps_configuration_and_jobs_and_comes_back_with_them(m):
    m.run("apt-get remove -y anteroom")
    assert m.run("command -v anteroom anteroom-dispatch", code=None).returncode != 0
    assert m.out("systemctl list-units --all --plain --no-legend 'anteroom*'") == ""
    assert m.out("find /etc/systemd -name '*anteroom*'") == ""
    m.run("test -e /etc/anteroom/anteroom.yaml; test -e /var/lib/anteroom/anteroom.db; getent passwd anteroom")
    m.run(f"dpkg --force-confold -i {HERE}/build/deb/*.deb")
    guide.do(m, "systemd")
    answers(m)
    a_job_runs(m, "j3")


def test_purged_it_leaves_nothing(m):
    m.run("apt-get purge -y anteroom; rm -f /etc/nginx/anteroom-locations.conf /etc/nginx/conf.d/anteroom.conf; nginx -t; systemctl stop nginx")
    assert m.files() == m.before
    assert m.run("getent passwd anteroom", code=None).returncode != 0
    assert m.run("getent group anteroom", code=None).returncode != 0
    assert m.run("dpkg -s anteroom", code=None).returncode != 0
    assert m.out("find /etc /var/lib /var/log -name '*anteroom*' ! -path '*/journal/*' ! -name 'anteroom.log'") == ""


def test_without_systemd(machine, deb):
    """As in a container: installed, used by hand and by cron's line, purged."""
    m = machine("none")
    before = m.files()
    m.run(f"dpkg -i {HERE}/build/deb/*.deb")
    m.run("runuser -u anteroom -- anteroom-dispatch")
    assert m.out("stat -c '%U:%G %a' /var/lib/anteroom/anteroom.db") == "anteroom:anteroom 640"
    m.run("dpkg -P anteroom")
    assert m.files() == before
    assert m.run("getent passwd anteroom", code=None).returncode != 0
