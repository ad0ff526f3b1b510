# SPDX-License-Identifier: MIT
"""A client of Anteroom: queues jobs for a project, and when it is called boots their servers in Nova and says that they run."""
import concurrent.futures
import json

import cloud
from harness import wait_until


class Portal:
    """close() it, which waits for what it does and raises what went wrong there."""

    def __init__(self, anteroom, receiver, bed, boots=True):
        """boots: else it is called and does nothing."""
        self.anteroom, self.receiver, self.bed = anteroom, receiver, bed
        self.servers = {}  # request_id: ids in Nova
        self.confirmed = set()
        self.works = []
        self.pool = concurrent.futures.ThreadPoolExecutor(16)
        if boots:
            receiver.then = lambda received: self.works.append(self.pool.submit(self._called, received.json["data"]))

    def ask(self, request_id, project, *instances, **data):
        """A job for instances of the project; bed.THIRD and its like, "count" with them."""
        for instance in instances:
            self.bed.flavor(instance)
        return self.anteroom.create(request_id, owner_id=project, callback=self.receiver.url(request_id),
                                    data={"project": self.bed.projects[project], "instances": list(instances), **data})

    def _called(self, job):
        """Boots what the job asked for, one by one, as a client does that gets no choice of hosts."""
        name, data = job["RequestID"], json.loads(job["Data"])
        tenant = self.bed.tenants[job["OwnerID"]]
        mine = self.servers.setdefault(name, [])
        for instance in data["instances"]:
            for _ in range(instance.get("count", 1)):
                mine.append(tenant.boot(name, self.bed.flavor(instance)))
        for server in mine:
            wait_until(lambda: tenant.built(server), 60, f"a server of {name} being built")
        answer = self.anteroom.post(f"/v1/vm/{name}", {"status": "running"})
        assert answer.status == 200, answer
        self.confirmed.add(name)

    def waits(self, request_id, word, *parts):
        """Waits until it waits for this reason, with these parts in the message; returns the message."""
        def says():
            job = cloud.show(self.anteroom, request_id, "vm")
            self.heard = f"{job['Status']}, {job.get('Reason')}: {job.get('Message')}"
            return job["Status"] == "queued" and job.get("Reason") == word and all(part in job["Message"] for part in parts)

        try:
            wait_until(says, 60)
        except AssertionError:
            raise AssertionError(f"{request_id} should wait for {word} {parts}, but is {self.heard}") from None
        return self.heard

    def hosts(self, request_id):
        """Waits until it has been admitted and called; the hosts where it was found to fit."""
        self.anteroom.wait_status(request_id, "running", timeout=60)
        return cloud.show(self.anteroom, request_id, "vm")["Hosts"]

    def check(self):
        """Raises what went wrong so far."""
        for work in self.works:
            if work.done():
                work.result()

    def wait_confirmed(self, count):
        """Waits until so many jobs have their servers."""
        def enough():
            self.check()
            return len(self.confirmed) >= count

        wait_until(enough, 120, f"{count} jobs with their servers")

    def leave(self, request_id, finish=True):
        """The job is over: its servers go, and then it is finished, or deleted."""
        self.bed.delete(*self.servers.pop(request_id))
        self.confirmed.remove(request_id)
        answer = (self.anteroom.post(f"/v1/vm/{request_id}", {"status": "finished"}) if finish
                  else self.anteroom.delete(f"/v1/vm/{request_id}/"))
        assert answer.status == 200, answer

    def close(self):
        self.pool.shutdown()
        self.check()
