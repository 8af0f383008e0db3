"""A small OpenAI-compatible server that can misbehave: it answers from a function, and fails as often as it is told.

Faults: `busy` (429 with Retry-After), `broken` (500), `stall` (no answer in time), `cut` (half a JSON), `html`.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAULTS = ("busy", "broken", "stall", "cut", "html")
Answer = Callable[[str], Any]


class Behaviour:
    """What a server does: `answer(prompt)` gives the text of a reply, or a dict that is merged into it.

    Each of `faults` strikes a share `rate` of the requests, by a hash of prompt, attempt and `seed`; of one prompt only
    the first `tries` attempts. `stall` is how long a stalled request takes, `key` the one key that is let in. `listing`
    are the entries of the list of models. `requests` are the bodies that came, `times` when they did; `open_at_most` is
    how many were open at one time; `struck` counts the faults.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        faults: Sequence[str] = (),
        rate: float = 0.05,
        seed: int = 0,
        tries: int = 1_000_000,
        stall: float = 1.0,
        retry_after: str = "1",
        listing: Sequence[dict[str, Any]] = (),
        key: str | None = None,
    ):
        self.answer, self.faults, self.rate, self.seed, self.tries = answer, tuple(faults), rate, seed, tries
        self.stall, self.retry_after, self.listing, self.key = stall, retry_after, list(listing), key
        self.requests: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.struck: Counter[str] = Counter()
        self.open_at_most = self._open = 0
        self._attempts: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def opened(self, prompt: str, body: dict[str, Any]) -> Iterator[str | None]:
        """Count a request in and out; yields the fault that strikes it, if one does."""
        with self._lock:
            self.requests.append(body)
            self.times.append(time.monotonic())
            self._open += 1
            self.open_at_most = max(self.open_at_most, self._open)
            self._attempts[prompt] += 1
            fault = self._fault(prompt, self._attempts[prompt])
            self.struck.update([fault] if fault else [])
        try:
            yield fault
        finally:
            with self._lock:
                self._open -= 1

    def _fault(self, prompt: str, attempt: int) -> str | None:
        if attempt > self.tries or not self.rate:
            return None
        drawn = hashlib.sha256(f"{self.seed} {attempt} {prompt}".encode()).digest()
        place = int.from_bytes(drawn[:8], "big") / 2**64 / self.rate
        return self.faults[int(place)] if place < len(self.faults) else None


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    """A server on a free port of this machine; yields its `base_url`."""

    class Handler(_Handler):
        does = behaviour

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # connections that wait; of five, as is the default, a burst loses some


class _Handler(BaseHTTPRequestHandler):
    does: Behaviour
    protocol_version = "HTTP/1.1"  # connections stay open from one request to the next
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self._refused():
            return
        self._send(200, json.dumps({"object": "list", "data": self.does.listing}))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._refused():
            return
        prompt = body["prompt"] if "prompt" in body else body["messages"][-1]["content"]
        with self.does.opened(prompt, body) as fault:
            if fault == "busy":
                self._send(429, '{"error": {"message": "slow down"}}', {"Retry-After": self.does.retry_after})
            elif fault == "broken":
                self._send(500, '{"error": {"message": "out of order"}}')
            elif fault == "html":
                self._send(200, "<html>Welcome to the gateway</html>", kind="text/html")
            else:
                if fault == "stall":
                    time.sleep(self.does.stall)
                status, text = self._reply(body, prompt)
                self._send(status, text[: len(text) // 2] if fault == "cut" else text)

    def _reply(self, body: dict[str, Any], prompt: str) -> tuple[int, str]:
        """Status and text: a dict with `status` is an error, any other is merged into the reply's choice."""
        said = self.does.answer(prompt)
        extra = dict(said) if isinstance(said, dict) else {"content": str(said)}
        if "status" in extra:
            return extra.pop("status"), json.dumps(extra)
        usage = extra.pop("usage", {"prompt_tokens": len(prompt) // 3 + 1, "completion_tokens": 1, "total_tokens": 1})
        finish = extra.pop("finish_reason", "stop")
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
        if "prompt" in body:
            choice |= {"text": extra["content"]}
        else:
            choice |= {"message": {"role": "assistant", **extra}}
        kind = "text_completion" if "prompt" in body else "chat.completion"
        made = {"id": "x", "object": kind, "created": 0, "model": body["model"], "choices": [choice], "usage": usage}
        return 200, json.dumps(made)

    def _refused(self) -> bool:
        """Whether the key is wrong; then the error repeats it, as careless servers do."""
        sent = self.headers.get("Authorization", "")
        if self.does.key is None or sent == f"Bearer {self.does.key}":
            return False
        self._send(401, json.dumps({"error": {"message": f"wrong key: {sent}"}}))
        return True

    def _send(
        self, status: int, text: str, headers: dict[str, str] | None = None, kind: str = "application/json"
    ) -> None:
        data = text.encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True  # whoever asked has stopped waiting

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged: a test looks at `Behaviour`."""
