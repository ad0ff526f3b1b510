# SPDX-License-Identifier: MIT
"""The configuration files of the services of the test bed: sections and options as tables, written as INI."""
import base64
import os

# What of Nova's request pipeline is needed: versions without, the API with a token.
NOVA_PASTE = {
    "composite:osapi_compute": {"use": "call:nova.api.openstack.urlmap:urlmap_factory", "/": "versions", "/v2.1": "version21",
                                "/v2.1/+": "api21"},
    "composite:api21": {"use": "call:nova.api.auth:pipeline_factory_v21",
                        "keystone": "request_id faultwrap request_log authtoken keystonecontext api21app"},
    "pipeline:versions": {"pipeline": "faultwrap request_log versions_app"},
    "pipeline:version21": {"pipeline": "request_id faultwrap request_log version21_app"},
    "app:versions_app": {"paste.app_factory": "nova.api.openstack.compute.versions:Versions.factory"},
    "app:version21_app": {"paste.app_factory": "nova.api.openstack.compute.versions:VersionsV2.factory"},
    "app:api21app": {"paste.app_factory": "nova.api.openstack.compute:APIRouterV21.factory"},
    "filter:request_id": {"paste.filter_factory": "nova.api.compute_req_id:ComputeReqIdMiddleware.factory"},
    "filter:faultwrap": {"paste.filter_factory": "nova.api.openstack:FaultWrapper.factory"},
    "filter:request_log": {"paste.filter_factory": "nova.api.openstack.requestlog:RequestLog.factory"},
    "filter:authtoken": {"paste.filter_factory": "keystonemiddleware.auth_token:filter_factory"},
    "filter:keystonecontext": {"paste.filter_factory": "nova.api.auth:NovaKeystoneContext.factory"},
}


def write(path, sections):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for section, options in sections.items():
        lines.append(f"[{section}]")
        lines += [f"{name} = {value}" for name, value in options.items()]
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)


class Settings:
    """All of one test bed in `directory`. ports: name → number; secrets: name → password."""

    def __init__(self, directory, ports, secrets, token_ttl):
        self.dir, self.ports, self.secrets = directory, ports, secrets
        self.token_ttl = token_ttl
        self.etc = directory / "etc"

    def url(self, service, path=""):
        return f"http://127.0.0.1:{self.ports[service]}{path}"

    def database(self, name):
        return f"mysql+pymysql://stack:{self.secrets['database']}@127.0.0.1:{self.ports['mariadb']}/{name}?charset=utf8"

    def log(self, name):
        return {"log_file": self.dir / f"log/{name}-own.log"}

    def service_user(self, name):
        """How a service signs in to Keystone."""
        return {"auth_type": "password", "auth_url": self.url("keystone", "/v3"), "user_domain_name": "Default",
                "project_domain_name": "Default", "project_name": "service", "username": name,
                "password": self.secrets[name], "region_name": "RegionOne"}

    def auth_token(self, name, kind):
        """How a service asks Keystone about the tokens that it is shown. It may believe an answer for two seconds (five minutes
        is the default), so that a token or role that is taken away is soon refused."""
        return {**self.service_user(name), "www_authenticate_uri": self.url("keystone", "/v3"), "service_type": kind,
                "token_cache_time": 2}

    def write_keystone(self):
        keys = self.etc / "keystone/keys"
        write(self.etc / "keystone/keystone.conf", {
            "DEFAULT": {**self.log("keystone"), "public_endpoint": self.url("keystone", "/"), "max_token_size": 255},
            "database": {"connection": self.database("keystone")},
            "token": {"provider": "fernet", "expiration": self.token_ttl},
            "fernet_tokens": {"key_repository": keys},
            "fernet_receipts": {"key_repository": keys},
            "credential": {"key_repository": keys},
            "identity": {"password_hash_rounds": 4},  # the default makes a third of a second of every sign-in
            "cache": {"enabled": "true", "backend": "oslo_cache.dict"},  # without it, one look at a token makes 700 queries
        })
        keys.mkdir(mode=0o700, exist_ok=True)
        for number in ("0", "1"):
            if not (keys / number).exists():
                (keys / number).write_bytes(base64.urlsafe_b64encode(os.urandom(32)))
                (keys / number).chmod(0o600)

    def write_placement(self):
        write(self.etc / "placement/placement.conf", {
            "DEFAULT": self.log("placement"),
            "api": {"auth_strategy": "keystone"},
            "placement_database": {"connection": self.database("placement")},
            "keystone_authtoken": self.auth_token("placement", "placement"),
        })

    def write_nova(self):
        """etc/nova/nova.conf, for all but the hosts."""
        databases = {"api_database": {"connection": self.database("nova_api")}, "database": {"connection": self.database("nova")}}
        write(self.etc / "nova/nova.conf", {**self._nova("nova", {}), **databases})
        write(self.etc / "nova/api-paste.ini", NOVA_PASTE)

    def write_host(self, host):
        """etc/nova/<host>.conf: a hypervisor that does as if. 10 VCPU (times 4), 8192 MB (512 kept), 1028 GB."""
        write(self.etc / f"nova/{host}.conf", self._nova(f"nova-compute-{host}", {"host": host, "compute_driver": "fake.MediumFakeDriver"}))

    def _nova(self, name, default):
        state = self.dir / "state" / name
        (state / "locks").mkdir(parents=True, exist_ok=True)
        return {
            "DEFAULT": {
                **self.log(name), "state_path": state, "my_ip": "127.0.0.1",
                "transport_url": f"rabbit://guest:guest@127.0.0.1:{self.ports['rabbitmq']}/",
                "initial_cpu_allocation_ratio": 4.0, "initial_ram_allocation_ratio": 1.0, "initial_disk_allocation_ratio": 1.0,
                "reserved_host_memory_mb": 512, "periodic_fuzzy_delay": 0, **default},
            "api": {"auth_strategy": "keystone"},
            "keystone_authtoken": self.auth_token("nova", "compute"),
            "placement": self.service_user("nova"),
            "glance": {"endpoint_override": self.url("image", "/image")},
            "neutron": {**self.service_user("nova"), "endpoint_override": self.url("image", "/network")},
            "oslo_concurrency": {"lock_path": state / "locks"},
            "scheduler": {"workers": 1, "limit_tenants_to_placement_aggregate": "true", "discover_hosts_in_cells_interval": 1},
            "filter_scheduler": {"enabled_filters": "ComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,"
                                                    "AggregateMultiTenancyIsolation"},
            "conductor": {"workers": 1},
            "vnc": {"enabled": "false"},
            "wsgi": {"api_paste_config": self.etc / "nova/api-paste.ini"},
        }

    def write_rabbitmq(self):
        """The broker's files; returns its environment."""
        home = self.dir / "rabbitmq"
        home.mkdir(exist_ok=True)
        (home / "rabbitmq.conf").write_text(f"listeners.tcp.default = 127.0.0.1:{self.ports['rabbitmq']}\nlog.file.level = warning\n"
                                            "vm_memory_high_watermark.absolute = 400MB\ndisk_free_limit.absolute = 50MB\n")
        (home / "env.conf").write_text("")
        (home / "plugins").write_text("[].\n")
        return {
            "HOME": str(home), "RABBITMQ_NODENAME": "anteroom@localhost", "RABBITMQ_DIST_PORT": str(self.ports["rabbitmq-nodes"]),
            "RABBITMQ_CONF_ENV_FILE": str(home / "env.conf"), "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "none"), "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"), "RABBITMQ_LOG_BASE": str(self.dir / "log"),
            "RABBITMQ_PID_FILE": str(home / "pid"), "ERL_EPMD_PORT": str(self.ports["epmd"]), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
            "RUNNING_UNDER_SYSTEMD": "true",  # the script then becomes the broker rather than its parent, and a signal reaches it
        }
