# SPDX-License-Identifier: MIT
"""An authority of the tests' own, and the certificates that it issues, by the openssl command."""
import subprocess


class Authority:
    """Certificates made now: an authority, a server for 127.0.0.1, and a client."""

    def __init__(self, directory):
        self.dir = directory
        self.ca, self.ca_key = directory / "ca.pem", directory / "ca.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                      "-subj", "/CN=test authority", "-keyout", self.ca_key, "-out", self.ca)
        self.server, self.server_key = self.issue("server", "subjectAltName=IP:127.0.0.1")
        self.client, self.client_key = self.issue("client", "extendedKeyUsage=clientAuth")

    def issue(self, name, extension, days=2):
        """A certificate and its key, for so many days from now; below 0 it is over."""
        key, request, cert, ext = (self.dir / f"{name}.{s}" for s in ("key", "csr", "pem", "ext"))
        ext.write_text(extension + "\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                      "-keyout", key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.ca_key, "-CAcreateserial", "-days", days,
                      "-extfile", ext, "-out", cert)
        return cert, key

    def _openssl(self, *args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)
