"""A hub on this machine: the calls of huggingface_hub and datasets by which files get there and back, kept in memory.

What it proves is what these libraries send and take. What the real hub makes of it (validation of cards, the viewer,
Xet storage) it does not know.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_of_this_test"
_LARGE = (".parquet", ".safetensors", ".png")


@dataclass
class Stored:
    """A repository: its files by path, and the messages of its commits."""

    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def sha(self) -> str:
        """The name of the latest commit."""
        return hashlib.sha1(repr((self.commits, sorted(self.files.items()))).encode()).hexdigest()


class FakeHub:
    """Repositories by their kind and name, such as `datasets/me/data`; `requests` are the methods and paths asked."""

    def __init__(self) -> None:
        self.repositories: dict[str, Stored] = {}
        self.blobs: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.url = ""

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve on a free port; yields the endpoint."""
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self.url
        finally:
            server.shutdown()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = unquote(urlsplit(self.path).path).strip("/")
        self.hub.requests.append(f"{self.command} {path}")
        writes = self.command == "POST" and "paths-info" not in path
        if writes and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._say({"error": "Invalid username or password."}, 401)
        for pattern, method in _ROUTES.items():
            if match := re.fullmatch(pattern, path):
                return getattr(self, method)(*match.groups())
        return self._say({"error": f"not served here: {path}"}, 404)

    def create(self) -> None:
        told = json.loads(self.body)
        key = f"{told.get('type', 'model')}s/{told['organization']}/{told['name']}"
        if key in self.hub.repositories:
            return self._say({"error": "You already created this repo", "url": f"{self.hub.url}/{_place(key)}"}, 409)
        self.hub.repositories[key] = Stored(made=told)
        return self._say({"url": f"{self.hub.url}/{_place(key)}"})

    def validate(self) -> None:
        self._say({"errors": [], "warnings": []})

    def preupload(self, key: str) -> None:
        if self._found(key):
            files = [
                {"path": f["path"], "uploadMode": "lfs" if f["path"].endswith(_LARGE) else "regular",
                 "shouldIgnore": False}
                for f in json.loads(self.body)["files"]
            ]  # fmt: skip
            self._say({"files": files})

    def batch(self, place: str) -> None:
        objects = json.loads(self.body)["objects"]
        put = [{**o, "actions": {"upload": {"href": f"{self.hub.url}/lfs/{o['oid']}"}}} for o in objects]
        self._say({"transfer": "basic", "objects": put})

    def blob(self, oid: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != oid:
            return self._say({"error": "another hash"}, 400)
        self.hub.blobs[oid] = self.body
        return self._say({})

    def commit(self, key: str) -> None:
        stored = self._found(key)
        if not stored:
            return
        for line in self.body.splitlines():
            told = json.loads(line)
            value = told["value"]
            if told["key"] == "header":
                stored.commits.append(value["summary"])
            elif told["key"] == "file":
                stored.files[value["path"]] = base64.b64decode(value["content"])
            elif told["key"] == "lfsFile":
                stored.files[value["path"]] = self.hub.blobs[value["oid"]]
            elif told["key"] == "deletedFile":
                del stored.files[value["path"]]
        self._say({"commitUrl": f"{self.hub.url}/{_place(key)}/commit/{stored.sha}", "commitOid": stored.sha})

    def info(self, key: str, revision: str | None = None) -> None:
        if stored := self._found(key, revision):
            siblings = [{"rfilename": name} for name in stored.files]
            name = key.partition("/")[2]
            self._say({"id": name, "sha": stored.sha, "siblings": siblings, "private": False, "tags": []})

    def tree(self, key: str, revision: str, below: str | None = None) -> None:
        stored = self._found(key, revision)
        if not stored:
            return None
        prefix = f"{below}/" if below else ""
        recursive = "recursive=true" in self.path.lower()
        entries: dict[str, Any] = {}
        for name in (name for name in stored.files if name.startswith(prefix)):
            parts = name.removeprefix(prefix).split("/")
            for depth in range(1, len(parts)):
                folder = prefix + "/".join(parts[:depth])
                if depth == 1 or recursive:
                    entries[folder] = {"type": "directory", "path": folder, "oid": "0" * 40, "size": 0}
            if len(parts) == 1 or recursive:
                entries[name] = _entry(name, stored)
        if below and not entries:
            return self._say({"error": "no such folder"}, 404, {"X-Error-Code": "EntryNotFound"})
        return self._say(list(entries.values()))

    def paths(self, key: str, revision: str) -> None:
        stored = self._found(key, revision)
        if stored:
            asked = json.loads(self.body)["paths"] if self.body.startswith(b"{") else re.findall(
                r"paths=([^&]+)", unquote(self.body.decode())
            )  # fmt: skip
            found = [_entry(name, stored) for name in asked if name in stored.files]
            folders = [
                {"type": "directory", "path": name, "oid": "0" * 40, "size": 0}
                for name in asked
                if any(file.startswith(f"{name}/") for file in stored.files)
            ]
            self._say(found + folders)

    def resolve(self, place: str, revision: str, name: str) -> None:
        key = place if re.match("(datasets|spaces)/", place) else f"models/{place}"
        stored = self._found(key, revision)
        if not stored:
            return None
        if name not in stored.files:
            return self._say({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
        content = stored.files[name]
        headers = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": stored.sha,
                   "Accept-Ranges": "bytes"}  # fmt: skip
        if span := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            start, stop = int(span[1]), min(int(span[2] or len(content)), len(content) - 1)
            headers["Content-Range"] = f"bytes {start}-{stop}/{len(content)}"
            return self._send(content[start : stop + 1], 206, headers)
        return self._send(content, 200, headers)

    def _found(self, key: str, revision: str | None = None) -> Stored | None:
        stored = self.hub.repositories.get(key)
        if stored is None:
            self._say({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        elif revision not in (None, "main", stored.sha):
            self._say({"error": "Invalid rev id"}, 404, {"X-Error-Code": "RevisionNotFound"})
        else:
            return stored
        return None

    def _say(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        message = {"X-Error-Message": value["error"]} if isinstance(value, dict) and "error" in value else {}
        self._send(
            json.dumps(value).encode(), status, {"Content-Type": "application/json", **message, **(headers or {})}
        )

    def _send(self, content: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


_KEY = r"((?:models|datasets|spaces)/[^/]+/[^/]+)"
_ROUTES = {
    "api/repos/create": "create",
    "api/validate-yaml": "validate",
    rf"api/{_KEY}/preupload/main": "preupload",
    rf"api/{_KEY}/commit/main": "commit",
    rf"api/{_KEY}/tree/([^/]+)(?:/(.+))?": "tree",
    rf"api/{_KEY}/paths-info/([^/]+)": "paths",
    rf"api/{_KEY}(?:/revision/([^/]+))?": "info",
    r"(.+)\.git/info/lfs/objects/batch": "batch",
    r"lfs/([0-9a-f]+)": "blob",
    r"((?:datasets/|spaces/)?[^/]+/[^/]+)/resolve/([^/]+)/(.+)": "resolve",
}


def _place(key: str) -> str:
    """A repository's path on the hub: models have no prefix."""
    return key.removeprefix("models/")


def _entry(name: str, stored: Stored) -> dict[str, Any]:
    content = stored.files[name]
    entry = {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
    if name.endswith(_LARGE):
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
    return entry
