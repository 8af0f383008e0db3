from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from .misbehaving_server import Behaviour, serving

#: A key that is easily found wherever it should not be.
KEY = "sk-5e6f-never-to-be-seen"


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Behaviour]]:
    """Starts a local server, and points `OPENAI_BASE_URL` and the key at it: `serve(answer, faults=..., ...)`."""
    with ExitStack() as servers:

        def start(answer, **how) -> Behaviour:
            behaviour = Behaviour(answer, **{"key": KEY, **how})
            monkeypatch.setenv("OPENAI_BASE_URL", servers.enter_context(serving(behaviour)))
            monkeypatch.setenv("OPENAI_API_KEY", KEY)
            return behaviour

        yield start
