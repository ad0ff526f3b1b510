# SPDX-License-Identifier: MIT
"""Sources of capacity for tests: programs that say what a file beside them says."""
import json
import os
import pathlib

BASE = "http://127.0.0.1:@PORT@/demo/callback/"


class Program:
    """A program for `capacity: exec` that writes the document in a file; what it was handed is kept in another."""

    def __init__(self, directory, name="source", before=""):
        self.directory = pathlib.Path(directory)
        self.path = self.directory / f"{name}.sh"
        self.document = self.directory / f"{name}.json"
        self.input = self.directory / f"{name}.input"
        self.runs = self.directory / f"{name}.runs"
        self.path.write_text(f"#!/bin/sh\necho run >>{self.runs}\ncat >{self.input}.new && mv {self.input}.new {self.input}\n"
                             f"{before}\ncat {self.document}\n")
        self.path.chmod(0o755)

    def says(self, hosts, **members):
        """hosts: {name: {resource: total}} or {name: {resource: (total, used)}}"""
        document = {"hosts": {name: amounts_of(resources) for name, resources in hosts.items()}, **members}
        self.writes(json.dumps(document))

    def writes(self, text):
        new = self.document.with_suffix(".new")
        new.write_text(text)
        os.replace(new, self.document)

    def counted(self):
        return self.runs.read_text().count("run") if self.runs.exists() else 0

    def queue(self, **members):
        return {"capacity": "exec", "program": [str(self.path)], "callback_base": BASE, "poll": "200ms", "timeout": "10s",
                **members}


def amounts_of(resources):
    pairs = {name: v if isinstance(v, tuple) else (v, 0) for name, v in resources.items()}
    return {"total": {name: total for name, (total, _) in pairs.items()},
            "used": {name: used for name, (_, used) in pairs.items()}}


def queues(**of_type):
    return {"queues": of_type}
