# SPDX-License-Identifier: MIT
"""A small real OpenStack for the tests: Keystone, Placement, Nova with hosts that do as if, MariaDB, RabbitMQ; all on 127.0.0.1.

  stack.py run  [DIRECTORY]   runs it until it is told to end (SIGTERM, SIGINT); then nothing of it is left running
  stack.py up   [DIRECTORY]   the same in the background; returns once it is ready
  stack.py down  DIRECTORY    ends that

DIRECTORY (default: a new one under /tmp) gets the configuration, databases, logs and what identity.py writes. `run` says
"ready DIRECTORY" and then obeys lines on its standard input: "stop NAME" and "start NAME" (of a program; it answers "done").
Environment: NCOMPUTE (hosts, 3), TOKEN_TTL (seconds that a token lives, 3600). It must run as root.
"""
import concurrent.futures
import os
import pathlib
import secrets as random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import cloud_api
import identity
from keeper import Failed, Keeper
from settings import Settings

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"
PORTS = ("mariadb", "rabbitmq", "rabbitmq-nodes", "epmd", "keystone", "placement", "nova-api", "image")
DATABASES = ("keystone", "placement", "nova_api", "nova", "nova_cell0")
SECRETS = ("database", "admin", *identity.USERS)
NEEDED = ("mariadbd", "epmd", "uwsgi-core", "keystone-manage", "placement-manage", "setpriv")
LAST = ("rabbitmq", "epmd", "mariadb")  # what the others lean on ends after them


def environment():
    """What the programs get: nothing of the caller's proxies, clouds or Python settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OS_", "PYTHON", "RABBITMQ_")) and not k.lower().endswith("_proxy")}
    return {**kept, "PYTHONWARNINGS": "ignore", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


class Stack:
    def __init__(self, directory, hosts=3, token_ttl=3600):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.hosts = [f"host-{i}" for i in range(1, hosts + 1)]
        self.keeper = Keeper(self.dir, environment())
        ports = {name: self.keeper.reserve() for name in PORTS}
        self.secrets = {name: random.token_hex(16) for name in SECRETS}
        self.settings = Settings(self.dir, ports, self.secrets, token_ttl)
        self.endpoints = {"keystone": self.settings.url("keystone", "/v3"), "placement": self.settings.url("placement"),
                          "compute": self.settings.url("nova-api", "/v2.1")}

    # The parts --------------------------------------------------------------------------------------------------------

    def start_broker(self):
        """RabbitMQ, with a name server of its own; it is ready later."""
        env = self.settings.write_rabbitmq()
        epmd = self.settings.ports["epmd"]
        self.keeper.start("epmd", "epmd", "-address", "127.0.0.1", "-port", epmd)
        self.keeper.wait_port("epmd", epmd)
        self.keeper.start("rabbitmq", "/usr/lib/rabbitmq/bin/rabbitmq-server", **env)

    def start_database(self):
        data, socket = self.dir / "mariadb", self.dir / "run/mariadb.sock"
        self.keeper.run("mariadb-install", "mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--skip-test-db",
                        "--auth-root-authentication-method=normal")
        self.keeper.start("mariadb", "mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", f"--socket={socket}",
                          f"--port={self.settings.ports['mariadb']}", "--bind-address=127.0.0.1", "--skip-name-resolve",
                          "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--max-connections=500",
                          "--character-set-server=utf8mb3", "--collation-server=utf8mb3_general_ci", f"--tmpdir={self.dir}")
        self.keeper.wait("mariadb", socket.exists)
        self.keeper.wait_port("mariadb", self.settings.ports["mariadb"])
        grants = "".join(f"CREATE DATABASE {name}; GRANT ALL ON {name}.* TO 'stack'@'127.0.0.1' IDENTIFIED BY "
                         f"'{self.secrets['database']}';\n" for name in DATABASES)
        self.keeper.run("mariadb-grants", "mariadb", "--no-defaults", "-S", socket, "-u", "root", text=grants)

    def prepare_keystone(self):
        self.settings.write_keystone()
        manage = ["keystone-manage", "--config-file", self.settings.etc / "keystone/keystone.conf"]
        self.keeper.run("keystone-manage", *manage, "db_sync")
        url = self.endpoints["keystone"]
        self.keeper.run("keystone-manage", *manage, "bootstrap", "--bootstrap-public-url", url, "--bootstrap-internal-url", url,
                        "--bootstrap-admin-url", url, "--bootstrap-region-id", "RegionOne",
                        OS_BOOTSTRAP_PASSWORD=self.secrets["admin"])

    def prepare_placement(self):
        self.settings.write_placement()
        self.keeper.run("placement-manage", "placement-manage", "--config-file", self.settings.etc / "placement/placement.conf",
                        "db", "sync")

    def prepare_nova(self):
        self.settings.write_nova()
        for host in self.hosts:
            self.settings.write_host(host)
        for words in (("api_db", "sync"), ("cell_v2", "map_cell0", "--database_connection", self.settings.database("nova_cell0")),
                      ("db", "sync"), ("cell_v2", "create_cell", "--name", "cell1")):
            self.keeper.run("nova-manage", *self.nova("manage", "nova"), *words)

    def nova(self, program, config):
        code = f"import sys; sys.argv[0] = 'nova-{program}'; from nova.cmd.{program} import main; sys.exit(main())"
        return [PYTHON, "-c", code, "--config-file", self.settings.etc / f"nova/{config}.conf"]

    def start_web(self, name, file, processes, threads, *more, **env):
        """A service under uWSGI, as Debian runs it: no Content-Length, the end of the connection ends an answer."""
        port = self.settings.ports[name]
        self.keeper.start(name, "uwsgi-core", "--plugins", "python3", "--wsgi-file", file, "--http-socket", f"127.0.0.1:{port}",
                          "--master", "--processes", processes, "--threads", threads, "--lazy-apps", "--need-app", "--no-orphans", "--die-on-term",
                          "--enable-threads", "--thunder-lock", "--buffer-size", "65535", "--listen", "100",
                          "--rem-header", "Content-Length", *more, **env)

    def wait_web(self, name, url):
        def answers():
            try:
                cloud_api.call("GET", url, timeout=60)
            except cloud_api.Refused as refusal:
                return refusal.status < 500
            except OSError:
                return False
            return True

        self.keeper.wait(name, answers)

    def start_keystone(self):
        # One request at a time: a second process would not hear of what the first one's cache forgets, and a second thread may
        # put back into it what was true before.
        self.start_web("keystone", "/usr/bin/keystone-wsgi-public", 1, 1, OS_KEYSTONE_CONFIG_DIR=str(self.settings.etc / "keystone"),
                       OS_KEYSTONE_CONFIG_FILES="keystone.conf")
        self.wait_web("keystone", self.endpoints["keystone"])
        urls = {"placement": self.endpoints["placement"], "compute": self.endpoints["compute"],
                "image": self.settings.url("image", "/image"), "network": self.settings.url("image", "/network")}
        identity.make(self.dir, self.endpoints, urls, self.secrets)

    def start_nova(self):
        self.keeper.start("nova-conductor", *self.nova("conductor", "nova"))
        self.keeper.start("nova-scheduler", *self.nova("scheduler", "nova"))
        application = self.dir / "nova-api.py"
        application.write_text("from nova.api.openstack.compute.wsgi import init_application\napplication = init_application()\n")
        self.start_web("nova-api", application, 2, 1, OS_NOVA_CONFIG_DIR=str(self.settings.etc / "nova"))
        # A host that finds no conductor waits ten seconds before it asks again.
        log = self.dir / "log/nova-own.log"
        self.keeper.wait("nova-conductor", lambda: "Starting conductor node" in log.read_text())
        for host in self.hosts:
            self.keeper.start(f"nova-compute-{host}", *self.nova("compute", host))

    def wait_hosts(self):
        """Until Nova lists every host as one that it knows in its cell, and up."""
        self.wait_web("nova-api", self.settings.url("nova-api", "/"))
        session = cloud_api.Session(self.endpoints, cloud_api.password_login("admin", self.secrets["admin"], project="admin"))

        def known():
            listed = session.nova("GET", "/os-hypervisors")["hypervisors"]
            return len([h for h in listed if h["state"] == "up"]) == len(self.hosts)

        self.keeper.wait("nova-scheduler", known)

    # The whole --------------------------------------------------------------------------------------------------------

    def start(self):
        """Everything; what does not need each other goes side by side. Failed when a part fails."""
        for program in NEEDED:
            if not shutil.which(program, path=environment()["PATH"]):
                raise Failed(f"{program} is missing: tests/deps.sh openstack installs what is needed")
        self.start_broker()
        self.start_database()
        pool = concurrent.futures.ThreadPoolExecutor()
        nova, keystone, placement = (pool.submit(f) for f in (self.prepare_nova, self.prepare_keystone, self.prepare_placement))
        image = self.settings.ports["image"]
        self.keeper.start("image", PYTHON, HERE / "fake_image.py", image)
        self.keeper.wait_port("image", image)
        placement.result()
        self.start_web("placement", "/usr/bin/placement-api", 2, 4, "--add-header", "Connection: close",
                       OS_PLACEMENT_CONFIG_DIR=str(self.settings.etc / "placement"))
        keystone.result()
        self.start_keystone()
        nova.result()
        self.keeper.wait_port("rabbitmq", self.settings.ports["rabbitmq"])
        self.wait_web("placement", self.endpoints["placement"])
        self.start_nova()
        self.wait_hosts()

    def stop(self):
        self.keeper.stop_all(*LAST)

    def obey(self, line):
        """One line of the standard input."""
        verb, name = line.split()
        if verb == "stop":
            self.keeper.stop(name)
        elif verb == "start":
            self.keeper.again(name)
            self.wait_web(name, self.settings.url(name))


def leave(number, _):
    sys.exit(128 + number)


def run(directory):
    """Returns when the standard input has ended, or leaves by a signal. Either way what was started has ended."""
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    begun = time.monotonic()
    stack = Stack(directory, int(os.environ.get("NCOMPUTE", 3)), int(os.environ.get("TOKEN_TTL", 3600)))
    (stack.dir / "run/stack.pid").write_text(f"{os.getpid()}\n")
    try:
        stack.start()
        print(f"started in {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        print(f"ready {directory}", flush=True)
        for line in sys.stdin:
            stack.obey(line)
            print("done", flush=True)
    except Failed as fault:
        sys.exit(f"anteroom: the test bed failed: {fault}")
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stack.stop()
        (stack.dir / "run/stack.pid").unlink()


def up(directory):
    """`run` in the background. Its standard input is the pipe run/control, which never ends: echo "stop placement" > run/control"""
    (pathlib.Path(directory) / "run").mkdir(parents=True, exist_ok=True)
    control, output = pathlib.Path(directory) / "run/control", pathlib.Path(directory) / "run/stack.out"
    control.unlink(missing_ok=True)
    os.mkfifo(control, 0o600)
    pipe = os.open(control, os.O_RDWR)
    with open(output, "wb") as out:
        child = subprocess.Popen([PYTHON, "-B", __file__, "run", directory], stdin=pipe, stdout=out, stderr=out,
                                 start_new_session=True)
    while "\nready" not in output.read_text():
        if child.poll() is not None:
            sys.exit(output.read_text())
        time.sleep(0.1)
    print(output.read_text(), end="")


def down(directory):
    recorded = pathlib.Path(directory) / "run/stack.pid"
    if not recorded.exists():
        sys.exit(f"anteroom: nothing runs in {directory}")
    pid = int(recorded.read_text())
    command = pathlib.Path(f"/proc/{pid}/cmdline")
    if not command.exists() or b"stack.py" not in command.read_bytes():
        sys.exit(f"anteroom: the process {pid} of {recorded} is gone; it has taken its own with it")
    os.kill(pid, signal.SIGTERM)
    while recorded.exists() and command.exists():
        time.sleep(0.1)


if __name__ == "__main__":
    verbs = {"run": run, "up": up, "down": down}
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in verbs or (sys.argv[1] == "down" and len(sys.argv) == 2):
        sys.exit(__doc__)
    if os.getuid() != 0:
        sys.exit("anteroom: the test bed must run as root: Nova, MariaDB and RabbitMQ are started as they are installed")
    where = sys.argv[2] if len(sys.argv) == 3 else tempfile.mkdtemp(prefix="anteroom-openstack-")
    verbs[sys.argv[1]](str(pathlib.Path(where).resolve()))
