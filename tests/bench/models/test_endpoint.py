import re
import signal
import sys
import threading
import time

import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.bench.model import Reply
from rmt_bench.bench.models.endpoint import Endpoint

from .conftest import KEY
from .misbehaving_server import FAULTS

_QUICK = {"retries": 0, "timeout": 5}


def _ask(texts=("Where?",), tokens=7, least=None, **options):
    return Endpoint("fake", **{**_QUICK, **options}).ask(list(texts), tokens, least=least)


def test_replies_come_in_the_order_of_the_texts(serve):
    serve(lambda prompt: f"heard {prompt}")
    texts = [str(number) for number in range(40)]
    assert [reply.text for reply in _ask(texts)] == [f"heard {text}" for text in texts]


@pytest.mark.parametrize("api", ["chat", "completion"])
def test_what_is_asked_for_is_said_explicitly(serve, api):
    server = serve(lambda prompt: "yes")
    assert _ask(["Well?"], api=api) == [Reply("yes")]
    (body,) = server.requests
    said = {"prompt": "Well?"} if api == "completion" else {"messages": [{"role": "user", "content": "Well?"}]}
    assert body == {"model": "fake", "max_tokens": 7, "temperature": 0.0, "seed": 0, **said}


def test_thinking_has_a_budget_of_its_own(serve):
    server = serve(lambda prompt: "<think>hm</think> yes")
    assert _ask(thinking_tokens=100) == [Reply("yes")]
    assert server.requests[0]["max_completion_tokens"] == 107
    assert "max_tokens" not in server.requests[0]


def test_temperature_and_seed_can_be_left_out(serve):
    server = serve(lambda prompt: "yes")
    _ask(temperature=None, seed=None)
    assert not {"temperature", "seed"} & set(server.requests[0])


def test_no_more_requests_are_open_than_allowed(serve):
    server = serve(lambda prompt: "yes", faults=["stall"], rate=1.0, stall=0.05)
    _ask(map(str, range(12)), concurrency=3, timeout=5)
    assert server.open_at_most == 3


@pytest.fixture
def _interruptible():
    """A process that a shell runs in its background ignores SIGINT, and so does this one then."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_an_interrupt_does_not_wait_for_what_is_under_way(serve):
    serve(lambda prompt: "yes", faults=["stall"], rate=1.0, stall=8)
    begun = time.monotonic()
    alarm = threading.Timer(0.5, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    alarm.start()
    with pytest.raises(KeyboardInterrupt):
        _ask("1234", timeout=20)
    assert time.monotonic() - begun < 6


def test_without_the_client_the_remedy_is_told(serve, monkeypatch):
    serve(lambda prompt: "yes")
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(UserError, match=r"pip install 'rmt-bench\[server\]'"):
        Endpoint("fake")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"content": "the gar", "finish_reason": "length"}, Reply("the gar", "answered", "cut at 7 tokens")),
        ({"content": None}, Reply("", "answered", "empty answer")),
        ({"content": "", "reasoning_content": "hm", "finish_reason": "length"},
         Reply("", "answered", "cut inside its thinking at 7 tokens")),
        ({"content": "x", "finish_reason": "content_filter"},
         Reply("x", "skipped", "kept back by the server's content filter")),
    ],
)  # fmt: skip
def test_what_is_odd_about_a_reply_is_its_reason(serve, said, expected):
    serve(lambda prompt: said)
    assert _ask() == [expected]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("busy", "RateLimitError: .*429.*slow down"),
        ("broken", "InternalServerError: .*500.*out of order"),
        ("stall", "APITimeoutError"),
        ("cut", "MalformedReplyError: the reply is no JSON"),
        ("html", "MalformedReplyError: the reply has no choices: '<html>"),
    ],
)
def test_every_failure_is_named(serve, fault, reason):
    serve(lambda prompt: "yes", faults=[fault], rate=1.0)
    (reply,) = _ask(timeout=0.3 if fault == "stall" else 5)
    assert (reply.text, reply.status) == ("", "error")
    assert re.match(reason, reply.reason), reply.reason


@pytest.mark.parametrize("fault", FAULTS)
def test_every_failure_is_tried_again(serve, fault):
    server = serve(lambda prompt: "yes", faults=[fault], rate=1.0, tries=1)
    assert _ask(retries=1, timeout=0.3 if fault == "stall" else 5) == [Reply("yes")]
    assert len(server.requests) == 2


def test_retry_after_is_waited_for(serve):
    server = serve(lambda prompt: "yes", faults=["busy"], rate=1.0, tries=1, retry_after="1.2")
    assert _ask(retries=1) == [Reply("yes")]
    first, second = server.times
    assert second - first >= 1.2


@pytest.mark.parametrize(
    "error",
    [
        {"status": 400, "error": {"message": "This model's maximum context length is 4096 tokens", "code": "x"}},
        {"status": 400, "error": {"message": "too bad", "code": "context_length_exceeded"}},
        {"status": 400, "error": {"message": "the request exceeds the available context size", "type": "exceed"}},
        {"status": 413, "error": {"message": "Payload"}},
    ],
)
def test_what_is_too_long_for_the_server_is_skipped(serve, error):
    serve(lambda prompt: dict(error))
    (reply,) = _ask()
    assert reply.status == "skipped"
    assert str(error["status"]) in reply.reason


def test_another_refusal_is_an_error_of_that_text_alone(serve):
    serve(lambda prompt: {"status": 400, "error": {"message": "no such parameter"}} if prompt == "2" else "yes")
    assert [reply.status for reply in _ask("123")] == ["answered", "error", "answered"]


def test_a_server_that_cuts_long_texts_and_does_not_tell_is_found_out(serve):
    serve(lambda prompt: {"content": "yes", "usage": {"prompt_tokens": 50, "completion_tokens": 1, "total_tokens": 51}})
    first, second = _ask(["a", "b"], least=[50, 51])
    assert first == Reply("yes")
    assert second == Reply("", "skipped", "the server read 50 tokens of at least 51: it cuts long texts")


@pytest.mark.parametrize(
    "listing", [{"max_model_len": 4096}, {"meta": {"n_ctx_train": 4096}}, {"context_length": 4096}]
)
def test_the_list_of_models_says_how_much_one_takes(serve, listing):
    serve(lambda prompt: "yes", listing=[{"id": "other", "max_model_len": 7}, {"id": "fake", **listing}])
    assert Endpoint("fake", **_QUICK).max_tokens == 4096
    assert Endpoint("absent", **_QUICK).max_tokens is None


def test_a_key_that_the_server_sends_back_is_struck_out(serve, monkeypatch):
    serve(lambda prompt: {"status": 400, "error": {"message": f"bad key {KEY}?"}} if prompt == "1" else f"it is {KEY}")
    first, second = _ask("12")
    assert "bad key [key]?" in first.reason
    assert second.text == "it is [key]"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
    with pytest.raises(UserError, match=r"wrong key: Bearer \[key\].*set OPENAI_API_KEY") as refused:
        Endpoint("fake", **_QUICK)
    assert "sk-wrong" not in str(refused.value)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"name": ""}, "write server:MODEL_NAME"),
        ({"base_url": "http://me:pass@host/v1"}, "base_url is http://HOST:PORT/v1, without a name, a key"),
        ({"base_url": "localhost:8000"}, "base_url is http://HOST:PORT/v1"),
        ({"base_url": "http://127.0.0.1:9/v1"}, "no server answers at http://127.0.0.1:9/v1"),
        ({"api": "chatt"}, "api is chat or completion, not 'chatt'; did you mean 'chat'"),
        ({"concurrency": 0}, "concurrency 1 or more"),
    ],
)
def test_a_wrong_call_is_one_line_with_its_remedy(serve, options, complaint):
    serve(lambda prompt: "yes")
    with pytest.raises(UserError, match=complaint):
        Endpoint(**{"name": "fake", **_QUICK, **options})


def test_without_an_address_nobody_is_asked(monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(UserError, match="set OPENAI_BASE_URL"):
        Endpoint("fake")


def test_a_model_that_the_server_does_not_have_ends_the_run(serve):
    serve(lambda prompt: {"status": 404, "error": {"message": "no model fake"}})
    with pytest.raises(UserError, match=r"no model fake.*/models lists them"):
        _ask()
