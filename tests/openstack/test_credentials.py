# SPDX-License-Identifier: MIT
"""As whom the source is read. That passwords and tokens are in no log and no database, the fixture looks after in every test."""
import json
import re

import pytest

from bed import THIRD

ABOUT = r"Keystone 3 at 127\.0\.0\.1:\d+, Placement 1\.\d+(, Nova 2\.41)?, as user {} \({}\) in {}"


def variables(bed, **more):
    return {"OS_AUTH_URL": bed.creds["endpoints"]["keystone"], "OS_USERNAME": "capacity", "OS_USER_DOMAIN_NAME": "Default",
            "OS_PROJECT_NAME": "capacity", "OS_PROJECT_DOMAIN_NAME": "Default", "OS_PASSWORD": bed.password("capacity"), **more}


def admits(p):
    p.ask("j", "tenant-a", THIRD)
    p.hosts("j")
    return p.anteroom.get("/queues/vm/capacity").data["About"]


@pytest.mark.parametrize("cloud", ["capacity", "appcred"])
def test_clouds_yaml_with_a_password_or_an_application_credential(anteroom, portal, cloud):
    about = admits(portal(anteroom(cloud=cloud), boots=False))
    assert re.fullmatch(ABOUT.format("capacity", "[a-z, ]*admin[a-z, ]*", "project capacity"), about)


def test_os_cloud_names_the_cloud(bed, anteroom, portal):
    admits(portal(anteroom(cloud=None, env=bed.environment(OS_CLOUD="capacity")), boots=False))


def test_the_other_variables_describe_it(bed, anteroom, portal):
    admits(portal(anteroom(cloud=None, env=variables(bed)), boots=False))


def test_an_application_credential_in_the_variables(bed, anteroom, portal):
    credential = bed.creds["application_credential"]
    env = {"OS_AUTH_TYPE": "v3applicationcredential", "OS_AUTH_URL": bed.creds["endpoints"]["keystone"],
           "OS_APPLICATION_CREDENTIAL_ID": credential["id"], "OS_APPLICATION_CREDENTIAL_SECRET": credential["secret"]}
    admits(portal(anteroom(cloud=None, env=env), boots=False))


def test_a_reader_of_the_system_with_the_aggregates_in_the_configuration(bed, anteroom, portal):
    red = bed.admin.make_aggregate("red", ["host-1"], filter_tenant_id=bed.projects["tenant-a"])
    pools = {"red": {"projects": [bed.projects["tenant-a"]], "aggregate": red["uuid"]}}
    p = portal(anteroom(cloud="sysreader", quota="off", pools=pools))
    about = admits(p)
    assert re.fullmatch(ABOUT.format("sysreader", "reader", "the system") + "; a host that is down counts as free: Nova answered 403: .*"
                        "os_compute_api:os-hypervisors:list.*", about)
    assert p.hosts("j") == {"host-1": 1}
    p.wait_confirmed(1)
    p.ask("of-others", "tenant-b", THIRD)
    p.waits("of-others", "NoPool", bed.projects["tenant-b"])


def test_who_may_not_read_the_aggregates_is_told_what_is_missing(anteroom, portal):
    p = portal(anteroom(cloud="member"), boots=False)
    p.ask("j", "tenant-a", THIRD)
    p.waits("j", "SourceUnavailable", "403", "os_compute_api:os-aggregates:index")


def test_a_wrong_password(bed, anteroom, portal):
    p = portal(anteroom(cloud=None, env=variables(bed, OS_PASSWORD="wrong-and-secret")), boots=False)
    p.ask("j", "tenant-a", THIRD)
    p.waits("j", "SourceUnavailable", "Keystone answered 401: The request you have made requires authentication.")
    assert "wrong-and-secret" not in p.anteroom.dispatcher.log()


def test_check_says_as_whom_it_reads(bed, anteroom):
    for cloud in ("capacity", "sysreader"):
        pools = {"pools": {"red": {"aggregate": bed.admin.make_aggregate(f"red-{cloud}")["uuid"]}}} if cloud == "sysreader" else {}
        a = anteroom(cloud=cloud, dispatcher=False, **pools)
        done = a.dispatch("--check")
        assert re.search(ABOUT.format(cloud, "[a-z, ]*", ".*"), done.stdout + done.stderr), done


def test_the_token_is_kept_and_used_again_by_the_next_run(bed, anteroom):
    a = anteroom(dispatcher=False)
    a.dispatch()
    kept, = a.dir.glob("keystone-*.json")
    before = json.loads(kept.read_text())["token"]
    a.dispatch()
    assert json.loads(kept.read_text())["token"] == before
    assert kept.stat().st_mode & 0o777 == 0o600
