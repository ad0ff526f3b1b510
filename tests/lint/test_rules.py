# SPDX-License-Identifier: MIT
"""Each rule of this folder fails on the fault that it is for, and on nothing in a tree that keeps it."""
import subprocess

import pytest

import docs
import includes
import size

HEAD = "/* SPDX-License-Identifier: MIT */\n/* Shows something. */\n"


@pytest.fixture
def tree(tmp_path):
    """tree(path=text, …) makes a tree of these files and returns its folder."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)

    def make(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return make


def long_function(lines):
    return HEAD + "static int a_long_one(int a,\n                      int b)\n{\n" + "    a++;\n" * lines + "}\n"


def test_common_may_not_include_the_rooms_above_it(tree):
    root = tree({"common/a.c": '#include "plan.h"\n#include "cron/plan.h"\n', "cron/plan.h": "", "fcgi/b.c": '#include "cron/plan.h"\n'})
    assert [f.split(":")[0] for f in includes.layers(root)] == ["common/a.c", "common/a.c", "fcgi/b.c"]


def test_rooms_may_include_common_and_themselves(tree):
    root = tree({"common/a.h": "", "cron/b.h": "", "cron/b.c": '#include "a.h"\n#include "b.h"\n'})
    assert not list(includes.layers(root))


@pytest.mark.parametrize("header, where", [("sqlite3.h", "common/db.c"), ("curl/curl.h", "common/httpc.c"), ("fcgiapp.h", "fcgi/fcgx.c"),
                                           ("yaml.h", "common/yaml_in.c"), ("json-c/json.h", "common/json_in.c"),
                                           ("openssl/hmac.h", "common/digest.c")])
def test_an_outside_header_has_its_one_file(tree, header, where):
    root = tree({where: f"#include <{header}>\n", "cron/else.c": f"#include <{header}>\n"})
    assert [f.split(":")[0] for f in includes.outside_headers(root)] == ["cron/else.c"]


@pytest.mark.parametrize("lines, faults", [(60, 0), (61, 1)])
def test_a_function_has_60_lines_at_most(tree, lines, faults):
    found = list(size.function_length(tree({"common/a.c": long_function(lines)})))
    assert len(found) == faults and all("a_long_one has 61 lines" in f for f in found)


def test_an_exception_needs_a_reason_and_something_to_except(tree):
    name = "common/a.c:a_long_one"
    assert not list(size.function_length(tree({"common/a.c": long_function(61), size.EXCEPTIONS: name + "  a table\n"})))
    assert "no reason" in next(size.function_length(tree({size.EXCEPTIONS: name + "\n"})))
    assert "excepts nothing" in next(size.function_length(tree({"common/a.c": long_function(9), size.EXCEPTIONS: name + "  a table\n"})))


def test_a_file_has_500_lines_at_most(tree):
    assert not list(size.file_length(tree({"a.c": "\n" * 500})))
    assert len(list(size.file_length(tree({"a.c": "\n" * 501})))) == 1


def test_every_file_begins_with_its_licence_and_a_c_file_says_what_it_is_for(tree):
    root = tree({"a.c": HEAD, "b.sh": "#!/bin/sh\n# SPDX-License-Identifier: MIT\n", "c.c": "int x;\n"})
    assert [f.split(":")[0] for f in size.licence(root)] == ["c.c"]
    assert [f.split(":")[0] for f in size.opening(root)] == ["c.c"]


def test_the_code_map_is_complete_and_true(tree):
    root = tree({"common/a.c": "", "common/a.h": "", "common/b.h": "", "README.md": "common/a.c  A.\ncron/gone.c  B.\n"})
    assert list(docs.code_map(root)) == ["README.md: the map does not have common/b.h",
                                         "README.md: the map has cron/gone.c, which does not exist"]


def test_no_path_of_one_machine(tree):
    root = tree({"a.md": "see /ho" + "me/somebody\n", "b.md": "/etc/anteroom is fine\n"})
    assert [f.split(":")[0] for f in docs.machine_paths(root)] == ["a.md"]


def test_every_key_is_explained_and_in_the_sample(tree):
    program = "#!/bin/sh\nprintf 'database\\tpath\\t\\t\\tD\\ncallback.timeout\\tduration\\t\\t\\tT\\n'\n"
    root = tree({docs.PROGRAM: program, docs.MANUAL: ".It Cm database\n.It Cm wrong\n", docs.SAMPLE: "#database: x\n"})
    (root / docs.PROGRAM).chmod(0o755)
    assert len(list(docs.configuration(root))) == 3  # timeout in neither, and a key that does not exist


def test_every_reason_and_command_is_explained(tree):
    root = tree({"common/job.h": '#define JOB_REASON_A "Told"\n#define JOB_REASON_B "Untold"\n', docs.REASONS: ".It Li Told\n",
                 "build/anteroom": "#!/bin/sh\necho '  token add     make one'\necho '  top           live'\n",
                 docs.COMMANDS: ".It Cm token add Ar name\n.It Cm gone\n"})
    (root / "build/anteroom").chmod(0o755)
    assert list(docs.words(root)) == [f"{docs.REASONS}: Untold is not explained", f"{docs.COMMANDS}: top is not explained",
                                      f"{docs.COMMANDS}: there is no command gone"]
