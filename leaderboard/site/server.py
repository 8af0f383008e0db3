"""Shows a site on this machine: the standard library's server, for this machine only."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ...base.errors import UserError
from .manifest import site_files

HOST = "127.0.0.1"


class _Handler(SimpleHTTPRequestHandler):
    def list_directory(self, path: Any) -> None:
        """Folders are not listed: what a site offers, it links to."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        """A site built again is seen at once."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the address has been printed, and that is all a person needs."""


@contextmanager
def served(site: str | Path, port: int = 0) -> Iterator[tuple[ThreadingHTTPServer, str]]:
    """A server of `site` bound to this machine alone, not yet running, and its address; `port` 0 takes any free one.

    Raises `UserError` when `site` is no site, or the port is taken.
    """
    site_files(site)
    handler = partial(_Handler, directory=str(Path(site).resolve()))
    try:
        server = ThreadingHTTPServer((HOST, port), handler)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise UserError(
            f"port {port} is not to be had: give another with --port, or --port 0 for any that is free"
        ) from error
    with server:
        yield server, f"http://{HOST}:{server.server_address[1]}/"


def serve(site: str | Path, port: int, browser: bool, say: Any) -> None:
    """Serve `site` until it is interrupted; `say` is told the address, and a browser is opened when `browser`."""
    with served(site, port) as (server, address):
        say(f"{site} is at {address} (Ctrl-C ends it)")
        if browser:
            import webbrowser

            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("")
