# SPDX-License-Identifier: MIT
"""make install and make uninstall in a folder of their own: which files, with which modes, and that what they name is there."""
import os
import re
import subprocess

import pytest

from machine import ROOT

PREFIX, SYSCONF = "/opt/room", "/opt/room/etc"
# What everybody who installs it finds; folders end in a slash. Modes that are not 644 are said.
EXPECTED = {
    "bin/anteroom": 0o755, "bin/anteroom-dispatch": 0o755, "libexec/anteroom/anteroom.fcgi": 0o755,
    "share/man/man5/anteroom.yaml.5": 0o644, "share/man/man8/anteroom.8": 0o644, "share/man/man8/anteroom-dispatch.8": 0o644,
    "share/man/man8/anteroom.fcgi.8": 0o644, "lib/systemd/system/anteroom-fcgi.service": 0o644,
    "lib/systemd/system/anteroom-fcgi.socket": 0o644, "lib/systemd/system/anteroom-dispatch.service": 0o644,
    "lib/systemd/system/anteroom-dispatch.timer": 0o644, "lib/systemd/system/anteroom-dispatch-run.service": 0o644,
    "lib/systemd/system/anteroom-.service.d/10-hardening.conf": 0o644, "share/anteroom/anteroom.conf": 0o644,
    "share/anteroom/anteroom-locations.conf": 0o644, "share/anteroom/anteroom-apache.conf": 0o644, "share/anteroom/htaccess": 0o644,
    "share/anteroom/anteroom.cgi": 0o755, "share/anteroom/anteroom.cron": 0o644, "share/anteroom/anteroom.yaml": 0o644,
    "share/anteroom/examples/slurm.sh": 0o755, "share/anteroom/examples/flexlm.sh": 0o755, "share/doc/anteroom/README.md": 0o644,
    "share/doc/anteroom/INSTALL": 0o644, "share/doc/anteroom/LICENSE": 0o644, "share/doc/anteroom/CHANGES": 0o644,
    "etc/anteroom/anteroom.yaml": 0o640, "etc/logrotate.d/anteroom": 0o644,
}
# Folders of the source that are installed with whatever they hold.
WHOLE = {"nginx/www": "share/anteroom/www", "nginx/prometheus": "share/anteroom/prometheus"}
SINGLE = {"cron/completion/anteroom": "share/bash-completion/completions/anteroom", "cron/completion/_anteroom": "share/zsh/site-functions/_anteroom"}


def make(target, root, *words, umask=0o077):
    done = subprocess.run(["make", "-s", target, f"DESTDIR={root}", f"PREFIX={PREFIX}", f"SYSCONFDIR={SYSCONF}", *words], cwd=ROOT,
                          capture_output=True, text=True, umask=umask)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(root):
    return {str(p.relative_to(root)): p.stat().st_mode & 0o7777 for p in root.rglob("*") if not p.is_dir()}


def expected():
    found = dict(EXPECTED)
    for source, to in WHOLE.items():
        found |= {f"{to}/{p.relative_to(ROOT / source)}": 0o644 for p in (ROOT / source).rglob("*") if p.is_file()}
    found |= {to: 0o644 for source, to in SINGLE.items() if (ROOT / source).exists()}
    return {f"opt/room/{path}": mode for path, mode in found.items()}


@pytest.fixture
def installed(scratch):
    make("install", scratch)
    return scratch


def test_every_file_and_its_mode(installed):
    assert files(installed) == expected()
    folders = [p for p in installed.rglob("*") if p.is_dir()]
    assert {p.stat().st_mode & 0o7777 for p in folders} == {0o755}, "a strict umask of root's must not lock others out"


def test_the_paths_in_them_are_those_of_where_they_are(installed):
    """Of Anteroom's own files, whatever an installed text names is there; nothing of /usr/local is left."""
    ours = re.compile(r"(?<![\w/.-])(/(?:usr|opt|etc)/[\w./-]*anteroom[\w./-]*[\w])")
    made_later = ("/etc/cron.d/anteroom", "/etc/nginx/", "/etc/apache2/", "/etc/ssl/", "/etc/logrotate.d/anteroom")
    checked = 0
    for path in files(installed):
        if path.startswith(("opt/room/bin/", "opt/room/libexec/", "opt/room/share/doc", "opt/room/share/man")):
            continue
        text = (installed / path).read_text(errors="ignore")
        for named in ours.findall(text):
            if named.startswith(made_later) or named.endswith((".secret", ".token", ".pem", "kubeconfig")):
                continue
            assert (installed / named[1:]).exists(), f"{path} names {named}"
            checked += 1
    assert checked > 10
    for path in files(installed):
        if not path.startswith(("opt/room/bin/", "opt/room/libexec/")):
            assert not re.search(r"/usr/local/\w+/anteroom", (installed / path).read_text(errors="ignore")), path


def test_a_configuration_that_is_there_stays(installed):
    conf = installed / "opt/room/etc/anteroom/anteroom.yaml"
    conf.write_text("database: /mine\n")
    assert f"kept       {conf}" in make("install", installed)
    assert conf.read_text() == "database: /mine\n"
    assert f"kept       {conf}" in make("uninstall", installed)
    assert files(installed) == {"opt/room/etc/anteroom/anteroom.yaml": 0o640}


def test_uninstall_leaves_nothing(installed):
    make("uninstall", installed)
    assert files(installed) == {}
    assert not [p for p in installed.rglob("*") if "anteroom" in p.name], "folders of ours"


def test_other_folders_may_be_named(scratch):
    make("install", scratch, "BINDIR=/opt/b", "LIBEXECDIR=/opt/l", "UNITDIR=/opt/u")
    assert "ExecStart=/opt/l/anteroom/anteroom.fcgi\n" in (scratch / "opt/u/anteroom-fcgi.service").read_text()
    assert "ExecStart=/opt/b/anteroom-dispatch --watch\n" in (scratch / "opt/u/anteroom-dispatch.service").read_text()
    assert (scratch / "opt/l/anteroom/anteroom.fcgi").exists() and (scratch / "opt/b/anteroom").exists()
    make("uninstall", scratch, "BINDIR=/opt/b", "LIBEXECDIR=/opt/l", "UNITDIR=/opt/u")
    assert files(scratch) == {}


def test_the_programs_are_those_that_were_built(installed):
    for name in ("bin/anteroom", "bin/anteroom-dispatch", "libexec/anteroom/anteroom.fcgi"):
        done = subprocess.run([installed / "opt/room" / name, "--version"], capture_output=True, text=True, check=True)
        assert done.stdout.split()[0] == name.rpartition("/")[2]


def test_a_folder_with_a_blank_in_its_name_is_refused_with_a_sentence(scratch):
    folder = scratch / "a b"
    folder.mkdir()
    os.symlink(ROOT / "Makefile", folder / "Makefile")
    done = subprocess.run(["make"], cwd=folder, capture_output=True, text=True)
    assert done.returncode != 0 and "has a blank in it" in done.stderr
