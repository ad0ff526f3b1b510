# SPDX-License-Identifier: MIT
"""Who is who in the test bed: projects, users, roles, endpoints; and the files with which they sign in.

clouds.yaml and secure.yaml (in JSON, which is YAML) have the clouds
  admin      administrator of everything
  capacity   the admin role on its own project: what Anteroom's source is given
  sysreader  reader of the system: may read Placement, but not Nova's aggregates
  member     member of tenant-a, who may read nothing of it
  appcred    an application credential of capacity
creds.json has the same for tests: endpoints, ids of projects, ids and passwords of users, the application credential.
"""
import json

from cloud_api import Session, password_login

PROJECTS = ("service", "capacity", "tenant-a", "tenant-b", "tenant-c")
# user: {project: roles}
USERS = {
    "placement": {"service": ("admin", "service")},
    "nova": {"service": ("admin", "service")},
    "capacity": {"capacity": ("admin",)},
    "sysreader": {},
    "alice": {"tenant-a": ("member",)},
    "bob": {"tenant-b": ("member",)},
    "carol": {"tenant-c": ("member",)},
}


def catalog(session, urls):
    """Services and their endpoints. urls: type → URL."""
    for kind, url in urls.items():
        service = session.keystone("POST", "/services", {"service": {"type": kind, "name": kind}})["service"]["id"]
        for interface in ("public", "internal", "admin"):
            session.keystone("POST", "/endpoints", {"endpoint": {"service_id": service, "interface": interface, "url": url,
                                                                 "region_id": "RegionOne"}})


def people(session, secrets):
    """Projects, users and roles; ({project: id}, {user: id})."""
    roles = {r["name"]: r["id"] for r in session.keystone("GET", "/roles")["roles"]}
    roles["service"] = session.keystone("POST", "/roles", {"role": {"name": "service"}})["role"]["id"]
    projects = {p: session.keystone("POST", "/projects", {"project": {"name": p, "domain_id": "default"}})["project"]["id"]
                for p in PROJECTS}
    users = {}
    for user, member_of in USERS.items():
        body = {"name": user, "domain_id": "default", "password": secrets[user]}
        users[user] = session.keystone("POST", "/users", {"user": body})["user"]["id"]
        for project, names in member_of.items():
            for role in names:
                session.keystone("PUT", f"/projects/{projects[project]}/users/{users[user]}/roles/{roles[role]}")
    session.keystone("PUT", f"/system/users/{users['sysreader']}/roles/{roles['reader']}")
    return projects, users


def application_credential(endpoints, secrets):
    session = Session(endpoints, password_login("capacity", secrets["capacity"], project="capacity"))
    user = session.about["token"]["user"]["id"]
    made = session.keystone("POST", f"/users/{user}/application_credentials", {"application_credential": {"name": "anteroom"}})
    return {key: made["application_credential"][key] for key in ("id", "secret")}


def write_clouds(directory, keystone, secrets, credential):
    def by_password(user, **scope):
        return {"region_name": "RegionOne", "auth": {"auth_url": keystone, "username": user, "user_domain_name": "Default", **scope}}

    def of_project(name):
        return {"project_name": name, "project_domain_name": "Default"}

    clouds = {
        "admin": by_password("admin", **of_project("admin")),
        "capacity": by_password("capacity", **of_project("capacity")),
        "sysreader": by_password("sysreader", system_scope="all"),
        "member": by_password("alice", **of_project("tenant-a")),
        "appcred": {"region_name": "RegionOne", "auth_type": "v3applicationcredential",
                    "auth": {"auth_url": keystone, "application_credential_id": credential["id"]}},
    }
    secure = {name: {"auth": {"password": secrets[cloud["auth"]["username"]]}}
              for name, cloud in clouds.items() if "username" in cloud["auth"]}
    secure["appcred"] = {"auth": {"application_credential_secret": credential["secret"]}}
    for name, content in (("clouds.yaml", clouds), ("secure.yaml", secure)):
        write_private(directory / name, {"clouds": content})


def write_private(path, content):
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=1))


def make(directory, endpoints, urls, secrets):
    """All of it, on a Keystone that has just been bootstrapped."""
    session = Session(endpoints, password_login("admin", secrets["admin"], project="admin"))
    catalog(session, urls)
    projects, users = people(session, secrets)
    credential = application_credential(endpoints, secrets)
    write_clouds(directory, endpoints["keystone"], secrets, credential)
    write_private(directory / "creds.json", {
        "endpoints": endpoints, "region": "RegionOne", "projects": projects, "application_credential": credential,
        "users": {name: {"id": users.get(name), "password": secrets[name]} for name in (*USERS, "admin")}})
