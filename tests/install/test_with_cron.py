# SPDX-License-Identifier: MIT
"""Where cron starts the dispatcher: a machine without systemd, and a tenant of a shared host without root. Both machines are begun
before all other tests, since cron begins with the next full minute (conftest.py)."""
import shlex

import guide
from machine import HERE, ROOT, wait_until
from visitor import SITE, answers, ask, configure, is_running, post, sees_the_console


def begin_without_systemd(m):
    guide.do(m, "From source", change=lambda text: text.replace("make\n", "", 1))
    guide.do(m, "Configuration")
    configure(m)
    guide.do(m, "Without systemd", 0)
    guide.do(m, "Without systemd", 1)
    m.start("exec cron -f")
    m.start("exec nginx -g 'daemon off;'")
    wait_until(lambda: m.run("test -s /run/nginx.pid", code=None).returncode == 0, what="nginx")
    guide.do(m, "nginx", change=lambda text: text.replace("systemctl reload nginx", "nginx -s reload"))
    answers(m)
    post(m, "j1")


def test_without_systemd_a_job_runs_within_the_minute(with_cron):
    m = with_cron["machine"]
    wait_until(lambda: is_running(m, "j1"), timeout=120, what="the run that cron started")
    assert m.out("ps -o user= -C anteroom-dispatch").split() == ["anteroom"]
    assert m.out("stat -c '%U:%G %a' /run/anteroom/fcgi.sock") == "anteroom:www-data 660"


# What those who run the host have set up; nothing of it is the tenant's.
HOST = """
<VirtualHost *:80>
    ServerName anteroom.example.org
    DocumentRoot /var/www/you
    SuexecUserGroup you you
    <Directory /var/www/you>
        AllowOverride FileInfo Options AuthConfig Limit Indexes
        Options SymLinksIfOwnerMatch
        Require all granted
    </Directory>
</VirtualHost>
"""


def begin_on_a_shared_host(m):
    m.write("/etc/apache2/sites-available/host.conf", HOST)
    m.run("useradd -m -d /srv/you -s /bin/sh you; chmod 711 /srv/you; install -d -o you -g you /var/www/you; ln -s /var/www/you /srv/you/public_html")
    m.run("a2enmod suexec rewrite headers cgid; a2ensite host; apache2ctl start")
    m.start("exec cron -f")
    missing = not (ROOT / "nginx/www").exists()
    guide.do(m, "On a shared host", 0, user="you", change=lambda text: text.replace("cp -R nginx/www/.", ": ") if missing else text)
    configure(m, "/srv/you/anteroom/anteroom.yaml")
    said = guide.do(m, "On a shared host", 1, user="you").stdout
    m.token = {"Authorization: Bearer " + said.split()[0]}
    post(m, "j1", m.token)


def test_a_tenants_job_runs_within_the_minute(with_cron):
    m = with_cron["shared host"]
    wait_until(lambda: is_running(m, "j1", m.token), timeout=120, what="the run that the tenant's crontab started")
    assert m.out("ps -o user= -C anteroom-dispatch").split() == ["you"]


def test_a_tenants_site_lets_in_who_has_a_token(with_cron):
    m = with_cron["shared host"]
    status, answer = ask(m, "GET", "/v1/vm/")
    assert (status, answer["code"]) == (401, "unauthorized")
    status, answer = ask(m, "GET", "/v1/vm/", headers=m.token)
    assert (status, [j["RequestID"] for j in answer["data"]]) == (200, ["j1"])
    # The same by the program's own path, for a folder that is no domain of its own.
    assert ask(m, "GET", "/v1/vm/j1", headers=m.token, site=SITE + "/anteroom.cgi")[1]["data"]["RequestID"] == "j1"
    assert ask(m, "POST", "/v1/vm/j1", {"status": "finished"}, m.token) == (200, {"data": {}, "ok": True})


def test_a_tenants_site_says_errors_in_json_and_shows_no_file(with_cron):
    m = with_cron["shared host"]
    for path, code in [("/nothing", "not_found"), ("/v1/vm/none", "not_found"), ("/anteroom.cgi", "not_found"), ("/.htaccess", "forbidden"),
                       ("/console/none", "not_found")]:
        status, answer = ask(m, "GET", path, headers=m.token)
        assert status == {"forbidden": 403}.get(code, 404) and answer["code"] == code, (path, answer)
    assert "application/json" in m.out(f"curl -sI {SITE}/console/none")
    assert ask(m, "GET", "/v1/a%2Fb/", headers=m.token)[0] == 404, "INSTALL says that Apache refuses it"


def test_a_tenants_files_are_his_alone(with_cron):
    m = with_cron["shared host"]
    assert m.out("stat -c '%U %a' /srv/you/anteroom") == "you 700"
    listed = m.out("find /srv/you/anteroom -printf '%u %p\\n'").splitlines()
    assert {line.split()[0] for line in listed} == {"you"}
    assert m.run("runuser -u www-data -- ls /srv/you/anteroom", code=None).returncode != 0
    assert shlex.quote(HERE) not in m.read("/var/www/you/anteroom.cgi")


def test_the_console_is_there_in_both(with_cron):
    for m in with_cron.values():
        sees_the_console(m)
