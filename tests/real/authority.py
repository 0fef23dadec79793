"""Certificate authorities for a test, by the openssl program."""

import ssl
import subprocess

from programs import program


class Authority:
    """`pem` is its certificate, `key` its key."""

    def __init__(self, folder, name):
        self.folder = folder
        self.pem, self.key = self._make(name, "basicConstraints=critical,CA:TRUE")

    def certificate(self, host):
        """Return the files of a certificate for `host`, and of its key."""
        signed = "-CA", self.pem, "-CAkey", self.key
        return self._make(host, f"subjectAltName=DNS:{host}", *signed)

    def trusted(self):
        """Return the TLS context of a client that trusts this authority, and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.pem)
        return context

    def _make(self, name, extension, *more):
        pem, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        command = [program("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes"]
        command += ["-subj", f"/CN={name}", "-days", "2", "-addext", extension]
        command += [*more, "-out", pem, "-keyout", key]
        subprocess.run(command, check=True, capture_output=True)
        return pem, key
