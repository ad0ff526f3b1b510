# SPDX-License-Identifier: MIT
"""Completion for bash and zsh: every command and option that --help knows, types and jobs of the database, and no harm done."""
import os
import re
import shlex
import subprocess

import pytest

from cloud import create, lab, queue
from harness import BIN, ROOT, SLOW
from terminal import Terminal

FILES = ROOT / "cron/completion"
EVERYWHERE = {"--json", "--color", "--help"}


@pytest.fixture(scope="module")
def a(shared_anteroom):
    a = shared_anteroom({"queues": {"lab": queue({"n": {"gpu": 1}}), "a type": queue({"n": {"gpu": 1}})}})
    for name in ("one", "two", "it's"):
        create(a, name, 1, callback=f"http://c.example/{len(name)}{name[0]}")
    create(a, "x y", 1, type="a%20type", callback="http://c.example/x")
    a.token("portal", "reader")
    (a.dir / "file.db").touch()
    return a


def commands(a):
    """The names that --help lists."""
    return re.findall(r"^  (\w+(?: \w+)?)  +", a.command("--help").stdout, re.M)


def options(a, command):
    return set(re.findall(r"--[a-z][a-z-]*", a.command(*command.split(), "--help").stdout)) - {"--config"} | EVERYWHERE


def complete(a, *words):
    """What bash offers for the last of the words."""
    script = (f"source {shlex.quote(str(FILES / 'anteroom'))}; COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1};"
              "_anteroom; printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "-c", script], cwd=a.dir, env={**a.env, "ANTEROOM_CONFIG": str(a.config_path)}, text=True,
                          capture_output=True, timeout=60 * SLOW)
    assert done.stderr == "" and done.returncode == 0, done
    return set(filter(None, done.stdout.split("\n")))


def bash(a, *words):
    return complete(a, str(BIN / "anteroom"), *words)


def test_bash_knows_every_command(a):
    names = commands(a)
    assert len(names) > 20
    first = {name.split()[0] for name in names}
    assert bash(a, "") == first | {"help"} and bash(a, "help", "") == first
    assert bash(a, "token", "") == {name.split()[1] for name in names if " " in name}
    assert bash(a, "un") == {"unpause"}


def test_bash_knows_every_option_and_no_other(a):
    for name in commands(a):
        assert bash(a, *name.split(), "-") == options(a, name), name
    assert bash(a, "-") == {"--config", "--help", "--version"}


def test_bash_knows_types_jobs_and_tokens(a):
    types = {"lab", r"a\ type"}
    for command in ("list", "capacity", "pause", "unpause", "submit", "show", "why", "move", "hold", "cancel"):
        assert bash(a, command, "") == types, command
    assert bash(a, "list", "l") == {"lab"} and bash(a, "list", "lab", "") == set()
    assert bash(a, "show", "lab", "") == {"one", "two", r"it\'s"}
    assert bash(a, "show", "lab", "t") == {"two"} and bash(a, "show", "lab", "one", "") == set()
    assert bash(a, "cancel", "lab", "one", "t") == {"two"}
    assert bash(a, "why", r"a\ type", "") == {r"x\ y"}
    assert bash(a, "move", "lab", "one", "--before", "t") == {"two"}
    assert bash(a, "token", "revoke", "") == {"portal"}


def test_bash_knows_values_and_files(a):
    assert bash(a, "token", "add", "x", "--role", "") == {"admin", "reader", "owner"}
    assert bash(a, "list", "lab", "--status", "f") == {"finished", "failed"}
    assert bash(a, "list", "lab", "--status", "=", "f") == {"finished", "failed"}
    assert bash(a, "queues", "--color", "") == {"auto", "always", "never"}
    assert bash(a, "check", "file") == {"file.db"} and bash(a, "--config", "anteroom.y") == {"anteroom.yaml"}
    assert bash(a, "list", "--owner", "") == set() and bash(a, "list", "--owner", "o", "l") == {"lab"}
    assert bash(a, "backup", "b", "") == set() and bash(a, "nonsense", "") == set() and bash(a, "nonsense", "-") == set()


def test_without_a_database_nothing_is_said_and_none_is_made(anteroom):
    a = anteroom(lab({"n": {"gpu": 1}}), start=False)
    a.write_config()
    assert bash(a, "list", "") == set() and bash(a, "show", "lab", "") == set()
    assert not a.db_path.exists()
    assert bash(a, "--config", "nowhere.yaml", "list", "") == set()
    assert complete(a, "no-such-program", "list", "") == set()


def test_bash_finds_it_by_itself(a):
    """As it does where it is installed: bash-completion loads it by the program's name."""
    script = ("source /usr/share/bash-completion/bash_completion; _completion_loader anteroom; complete -p anteroom;"
              "COMP_WORDS=(anteroom tok); COMP_CWORD=1; _anteroom; echo \"${COMPREPLY[@]}\"")
    data = a.dir / "share/bash-completion/completions"
    data.mkdir(parents=True)
    (data / "anteroom").symlink_to(FILES / "anteroom")
    done = subprocess.run(["bash", "-c", script], env={**a.env, "XDG_DATA_HOME": str(a.dir / "share")}, text=True,
                          capture_output=True, timeout=60 * SLOW)
    assert "complete -F _anteroom anteroom" in done.stdout and done.stdout.endswith("\ntoken\n"), done


class Zsh:
    """In zsh a function completes only on a line that is edited: one on a terminal. Ctrl-D lists what fits."""

    def __init__(self, a):
        env = {**a.env, "ANTEROOM_CONFIG": str(a.config_path), "HOME": str(a.dir), "PATH": f"{BIN}:{os.environ['PATH']}"}
        self.terminal = Terminal(["zsh", "-f", "-i"], a.dir, env, width=300, height=200)
        self.terminal.type(f"fpath=({shlex.quote(str(FILES))} $fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=9999\n")
        self.terminal.type("unsetopt beep prompt_cr; PROMPT='G''O> '\n")
        self.terminal.wait_for("GO> ")

    def lists(self, line, *words):
        """Waits until all the words are listed for the line."""
        self.terminal.output = ""
        self.terminal.type(line + "\x04")
        for word in words:
            self.terminal.wait_for(word)
        self.terminal.output = ""
        self.terminal.type("\x15\n")  # the line goes, and another one begins
        self.terminal.wait_for("GO> ")


@pytest.fixture(scope="module")
def zsh(a):
    z = Zsh(a)
    yield z
    z.terminal.close()


def test_zsh_knows_every_command_and_option(a, zsh):
    subprocess.run(["zsh", "-n", FILES / "_anteroom"], check=True, timeout=60)
    names = commands(a)
    lines = [a.command(*name.split(), "--help").stdout.split("\n")[2].rstrip(".") for name in names]
    zsh.lists("anteroom ", *(line for name, line in zip(names, lines) if " " not in name), "make, list and revoke tokens")
    zsh.lists("anteroom help ", lines[0])
    zsh.lists("anteroom token ", *(name.split()[1] for name in names if " " in name))
    for name in names:
        zsh.lists(f"anteroom {name} --", *options(a, name))


def test_zsh_knows_types_jobs_and_tokens(zsh):
    zsh.lists("anteroom list ", "lab")
    zsh.lists("anteroom show lab ", "one", "two")
    zsh.lists("anteroom cancel lab one ", "two")
    zsh.lists("anteroom move lab one --before ", "two")
    zsh.lists("anteroom token revoke ", "portal")
