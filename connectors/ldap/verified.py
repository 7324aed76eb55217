"""TLS for ldap3 that verifies chain and name by Python's own `ssl`, or does not connect.

ldap3 2.9.1 matches the name itself, after the handshake, by a function that Python has given up;
it tells the server no name, and leaves the socket open when the match fails.
"""

import ssl
from typing import Any

from ldap3 import Tls
from typing_extensions import override


class VerifiedTls(Tls):
    """Verifies what is not to be turned off: chain, name and protocol version.

    RFC 4513 section 3.1.3; RFC 6125. Names are taken from subjectAltName only.
    """

    def __init__(self, ca_file: str | None) -> None:
        """Trust one authority.

        Args:
            ca_file: PEM file of the authority, or None for those of the system.
        """
        super().__init__(validate=ssl.CERT_REQUIRED, ca_certs_file=ca_file)
        self._ca_file = ca_file

    @override
    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """Do the handshake; `ssl` closes the socket if anything about the peer is wrong."""
        context = ssl.create_default_context(cafile=self._ca_file)
        connection.socket = context.wrap_socket(
            connection.socket, server_hostname=connection.server.host
        )
