# SPDX-License-Identifier: MIT
"""The test bed as the tests see it: a running stack, who may sign in to it, and how it is made clean again."""
import json
import pathlib
import subprocess
import sys
import tempfile

from cloud_api import Session, password_login
from harness import wait_until
from keeper import WITH_US, listens

HERE = pathlib.Path(__file__).resolve().parent
HOSTS = ("host-1", "host-2", "host-3")
# What a host has: 10 VCPU times 4, 8192 MB less 512, 1028 GB; at most 10 VCPU in one instance.
HOST = {"VCPU": 40, "Memory": 7680, "Disk": 1028}
MAX_UNIT = 10
# Instances by the part of a host's memory that they take.
WHOLE = {"VCPU": 4, "Memory": 7680, "Disk": 10}
HALF = {"VCPU": 4, "Memory": 3840, "Disk": 10}
THIRD = {"VCPU": 4, "Memory": 2560, "Disk": 10}


class Bed:
    def __init__(self, directory, control):
        """control: where stack.py reads what it should do."""
        self.dir = pathlib.Path(directory)
        self.control = control
        self.creds = json.loads((self.dir / "creds.json").read_text())
        self.projects = self.creds["projects"]
        self.users = {name: user["id"] for name, user in self.creds["users"].items()}
        self.admin = self.sign_in("admin", project="admin")
        self.tenants = {"tenant-a": self.sign_in("alice", project="tenant-a"), "tenant-b": self.sign_in("bob", project="tenant-b"),
                        "tenant-c": self.sign_in("carol", project="tenant-c")}
        self.flavors = {f["id"] for f in self.admin.nova("GET", "/flavors")["flavors"]}

    def sign_in(self, user, **scope):
        return Session(self.creds["endpoints"], password_login(user, self.password(user), **scope))

    def password(self, user):
        return self.creds["users"][user]["password"]

    def secrets(self):
        """All that must be in no log of ours."""
        return [user["password"] for user in self.creds["users"].values()] + [self.creds["application_credential"]["secret"]]

    def environment(self, **more):
        """What the dispatcher needs to find the clouds."""
        return {"OS_CLIENT_CONFIG_FILE": str(self.dir / "clouds.yaml"), "OS_CLIENT_SECURE_FILE": str(self.dir / "secure.yaml"), **more}

    # Services ---------------------------------------------------------------------------------------------------------

    def port(self, name):
        return int(self.creds["endpoints"][name].partition("//127.0.0.1:")[2].partition("/")[0])

    def stop_service(self, name):
        """name: keystone or placement."""
        self._tell(f"stop {name}")
        wait_until(lambda: not listens(self.port(name)), 60, f"the end of {name}")

    def start_service(self, name):
        self._tell(f"start {name}")
        wait_until(lambda: listens(self.port(name)), 60, f"the start of {name}")

    def _tell(self, line):
        self.control.write(line + "\n")
        self.control.flush()

    # Servers ----------------------------------------------------------------------------------------------------------

    def flavor(self, instance):
        """The id of the flavor for an instance of a job, which is made when it is not there."""
        name = "v{VCPU}-m{Memory}-d{Disk}".format(**instance)
        if name not in self.flavors:
            self.admin.make_flavor(name, instance["VCPU"], instance["Memory"], instance["Disk"])
            self.flavors.add(name)
        return name

    def boot(self, project, instance, name="server"):
        """A server of the tenant that has been built; its id."""
        tenant = self.tenants[project]
        server = tenant.boot(name, self.flavor(instance))
        wait_until(lambda: tenant.built(server), 60, f"{name} being built")
        return server

    def delete(self, *servers):
        """Deletes servers and waits until they and what they used are gone."""
        for server in servers:
            self.admin.delete_server(server)
        wait_until(lambda: all(self.admin.server(s) is None for s in servers), 60, "the end of the servers")

    # Between tests ----------------------------------------------------------------------------------------------------

    def clean(self):
        """No server, no aggregate, no quota, every host enabled, all roles as they were."""
        self.delete(*(s["id"] for s in self.admin.servers()))
        for aggregate in self.admin.aggregates():
            self.admin.delete_aggregate(aggregate)
        for project in self.tenants:
            self.admin.set_quota(self.projects[project], cores=-1, ram=-1, instances=-1)
        for host, service in self.admin.compute_services().items():
            if service["status"] != "enabled" or service["forced_down"]:
                self.admin.set_service(host, status="enabled", forced_down=False)
        self.admin.set_role("PUT", self.projects["capacity"], self.users["capacity"], "admin")


class Runs:
    """A stack of our own, which ends with us, or the one whose directory is given (stack.py up)."""

    def __init__(self, directory=None):
        self.process = self.made = None
        if directory:
            self.bed = Bed(directory, open(f"{directory}/run/control", "w"))
            return
        self.made = tempfile.TemporaryDirectory(prefix="anteroom-openstack-")
        self.process = subprocess.Popen([*WITH_US, sys.executable, "-B", HERE / "stack.py", "run", self.made.name], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        said = self.process.stdout.readline()
        if not said.startswith("ready"):
            self.end()
            raise RuntimeError("the test bed did not start; what it said stands above")
        self.bed = Bed(self.made.name, self.process.stdin)

    def end(self):
        if self.process:
            self.process.terminate()
            self.process.communicate()
            self.made.cleanup()
        else:
            self.bed.control.close()
