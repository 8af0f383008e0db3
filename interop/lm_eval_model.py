"""A `SegmentModel` inside lm-evaluation-harness: `--model rmt_bench --model_args model=rmt-tiny`.

    loglikelihood           context, continuation   a model that gives texts a likelihood; or one that ranks choices,
                                                    where a task has several behind one context
    loglikelihood_rolling   text                    a model that gives texts a likelihood
    generate_until          context, until          a model that answers in words

A context is read segment by segment, once for all that is asked about it. Nothing is cut: what a model cannot take is
refused. Importing this makes `rmt_bench` known to lm-eval.
"""

from __future__ import annotations

import itertools
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import lm_eval.models  # noqa: F401 - lm-eval's own models, which it looks for only while it knows of none
import numpy as np
import torch
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model
from tqdm import tqdm

from ..base.errors import UserError
from ..bench.documents import Document, too_long
from ..bench.model import LikelihoodModel, Reply, ScoringModel
from ..bench.reading import model_device
from ..bench.setup import Setup
from ..bench.visits import read_batch
from ..generators.tokens import Encoder
from .contexts import Context, continuation_tokens, opener, read_context

_LOG = logging.getLogger(__name__)
_BATCH = 8


@dataclass(frozen=True)
class _Rated(Reply):
    """A reply that is no text: for each continuation its log-likelihood, and whether it is the likeliest."""

    rated: tuple[tuple[float, bool], ...] = ()


@dataclass(frozen=True)
class _Asked:
    """What a model is asked about one document, by the places of the requests."""

    document: Document
    choices: tuple[str, ...]
    places: tuple[int, ...]


@register_model("rmt_bench")
class SegmentLM(LM):
    """A model of rmt-bench as lm-eval calls one. `options` are the model's own; `dtype` is that of its weights.

    Raises `UserError` for an unknown model or option, and for a request that the model has no answer to.
    """

    def __init__(
        self,
        model: str = "",
        batch_size: int | str = _BATCH,
        max_batch_size: int | None = None,
        device: str | None = None,
        dtype: str | None = None,
        seed: int = 0,
        **options: Any,
    ):
        super().__init__()
        if not model:
            raise UserError("which model? add --model_args model=rmt-tiny; see: rmt-bench models")
        wanted = "auto" if device is None or (device.startswith("cuda") and not torch.cuda.is_available()) else device
        self.spec = model
        self.model: Any = Setup(model, options, wanted, dtype, seed=seed).make()
        self._device = model_device(self.model)
        self._batch = _BATCH if str(batch_size).startswith("auto") else int(batch_size)
        self._encoder = Encoder(self.model.tokenizer)

    @property
    def tokenizer_name(self) -> str:
        """What lm-eval names its caches of requests by."""
        return self._encoder.name

    def get_model_info(self) -> dict[str, Any]:
        """What the results say of the model."""
        return {"rmt_bench_model": self.spec, "segment_length": self.model.segment_length}

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """The log-likelihood of each continuation behind its context, and whether it is the likeliest one.

        A model that only ranks choices gives the logarithm of their shares, where several are asked behind one context.
        """
        if isinstance(self.model, LikelihoodModel):
            return self._likelihoods(requests, disable_tqdm)
        if isinstance(self.model, ScoringModel):
            return self._rankings(requests, disable_tqdm)
        raise UserError(
            f"{self.spec} answers in words and gives them no likelihood: ask it tasks that generate (of rmt-bench's: "
            "rmt-bench export lm-eval DIR --form generate)"
        )

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        """The log-likelihood of each text from its first token on, read segment by segment."""
        if not isinstance(self.model, LikelihoodModel):
            raise UserError(
                f"{self.spec} {'ranks given choices' if isinstance(self.model, ScoringModel) else 'answers in words'} "
                "and has no likelihood of a whole text: perplexity takes a language model (cached:NAME, full:NAME, "
                "rmt:NAME --model_args mode=choice)"
            )
        texts = (read_context(self._encoder, request.args[0]) for request in requests)
        shown = tqdm(texts, total=len(requests), disable=disable_tqdm, desc="texts")
        with torch.inference_mode():
            return [self._rolling(text) for text in shown]

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """What the model answers, up to the first of the texts that end it.

        Where a request is about a sample of ours, a model that chooses is told its choices, as by `rmt-bench eval`.
        """
        asked = []
        for place, request in enumerate(requests):
            context, settings = _arguments(request)
            self._refuse_sampling(settings)
            if not context.strip():
                raise UserError(f"{request.task_name} asks with an empty text, to which there is no answer")
            choices = tuple(request.doc["choices"]) if _is_ours(request.doc) else ()
            if not choices and not hasattr(self.model, "answer"):
                raise UserError(
                    f"{self.spec} ranks given choices and writes no text, and {request.task_name} gives it none: ask "
                    "it multiple-choice tasks whose choices are its labels"
                )
            asked.append(_Asked(self._document(read_context(self._encoder, context), request), choices, (place,)))
        said = self._replies(asked, self.model, disable_tqdm)
        ends = [_arguments(request)[1].get("until") for request in requests]
        return [_until(reply.text, end) for reply, end in zip(said, ends, strict=True)]

    def _likelihoods(self, requests: list[Instance], quiet: bool) -> list[tuple[float, bool]]:
        """By a language model: the very tokens of each continuation, behind those of the context."""
        contexts: dict[tuple[str, str], list[int]] = defaultdict(list)
        tokens = []
        for place, request in enumerate(requests):
            context, continuation = _arguments(request)
            bare, behind = continuation_tokens(self._encoder, context, continuation)
            if not len(behind):
                raise UserError(f"{request.task_name}: the continuation {continuation!r} has no token")
            contexts[bare, _question(request)].append(place)
            tokens.append(torch.from_numpy(behind.astype(np.int64)))
        asked = []
        for (context, _), places in contexts.items():
            document = self._document(read_context(self._encoder, context), requests[places[0]])
            longest = max(len(tokens[place]) for place in places)
            self._refuse_long(document, longest)
            asked.append(_Asked(document, tuple(map(str, places)), tuple(places)))

        def rate(state: Any, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]) -> list[_Rated]:
            texts = [[tokens[int(place)].to(self._device) for place in row] for row in choices]
            found = self.model.log_likelihoods(state, prompts, texts)
            return [_Rated("", rated=tuple(row)) for row in found]

        return self._spread(asked, rate, len(requests), quiet)

    def _rankings(self, requests: list[Instance], quiet: bool) -> list[tuple[float, bool]]:
        """By a model that ranks choices: all continuations that one sample has behind one context are its choices."""
        groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for place, request in enumerate(requests):
            groups[request.task_name, request.doc_id, _arguments(request)[0].rstrip()].append(place)
        asked = []
        for (task, _, context), places in groups.items():
            choices = tuple(_arguments(requests[place])[1].strip() for place in places)
            if len(set(choices)) < 2 or not context:
                raise UserError(
                    f"{self.spec} ranks given choices, and {task} asks for the likelihood of a text by itself: ask it "
                    "multiple-choice tasks whose choices are its labels, or take a language model"
                )
            document = self._document(read_context(self._encoder, context), requests[places[0]])
            asked.append(_Asked(document, choices, tuple(places)))

        def rate(state: Any, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]) -> list[_Rated]:
            scores = self.model.score(state, prompts, choices).float()
            if scores.isnan().any():
                raise UserError(f"{self.spec} gave scores that are not all numbers (NaN)")
            best = scores.argmax(-1).tolist()
            shares = scores.log_softmax(-1).tolist()
            return [
                _Rated("", rated=tuple((share, column == winner) for column, share in enumerate(row)))
                for row, winner in zip(shares, best, strict=True)
            ]

        return self._spread(asked, rate, len(requests), quiet)

    def _spread(
        self, asked: Sequence[_Asked], rate: Callable[..., list[_Rated]], count: int, quiet: bool
    ) -> list[tuple[float, bool]]:
        """What was rated document by document, request by request."""
        found: dict[int, tuple[float, bool]] = {}
        for one, reply in zip(asked, self._replies(asked, _Reader(self.model, rate), quiet), strict=True):
            assert isinstance(reply, _Rated)
            found |= zip(one.places, reply.rated, strict=True)
        return [found[place] for place in range(count)]

    def _replies(self, asked: Sequence[_Asked], model: Any, quiet: bool) -> list[Reply]:
        """Documents of one shape, with as many choices, are read side by side. Raises `UserError` for a failed one."""
        alike: dict[Any, list[int]] = defaultdict(list)
        for number, one in enumerate(asked):
            self._refuse_long(one.document)
            alike[one.document.shape(self.model.segment_length), len(one.choices)].append(number)
        replies: dict[int, Reply] = {}
        with tqdm(total=len(asked), disable=quiet, desc="documents") as bar:
            for numbers in itertools.chain.from_iterable(_parts(group, self._batch) for group in alike.values()):
                rows = [asked[number] for number in numbers]
                said = read_batch(model, [row.document for row in rows], [row.choices for row in rows])
                replies |= zip(numbers, said, strict=True)
                bar.update(len(numbers))
        failed = [reply for reply in replies.values() if reply.status in ("error", "skipped")]
        if failed:
            raise UserError(f"{self.spec} failed at {len(failed)} of {len(asked)} documents: {failed[0].reason}")
        return [replies[number] for number in range(len(asked))]

    def _rolling(self, text: Context) -> float:
        """Window by window: the state before it, its first token as the prompt, and what comes behind.

        [bos] w1 ... w64 | w65 ...    w1 to w64 are rated behind the token that begins a text
        [w64] w65 .......... w128     behind the state after w63, w64 is read, and w65 to w128 are rated
        """
        first = self._opening()
        tokens = torch.tensor([*first, *text.tokens.tolist()], device=self._device)
        length, total = self.model.segment_length, 0.0
        state = self.model.start(1)
        for start in range(0, len(tokens), length):
            seen = 1 if start else len(first)
            behind = tokens[start + seen : start + length + 1]
            if len(behind):
                ((rated,),) = self.model.log_likelihoods(state, [tokens[start : start + seen]], [[behind]])
                total += rated[0]
            if start + length < len(tokens):
                state = self.model.read(state, tokens[None, start : start + length])
        return total

    def _document(self, context: Context, request: Instance) -> Document:
        """A context as it is read; an empty one is the token that begins a text."""
        if not len(context.tokens):
            first = np.array(self._opening(), dtype=np.int64)
            return Document([first[:0]], 0, first)
        return context.document(self.model.segment_length, _question(request))

    def _opening(self) -> list[int]:
        """The token that begins a text, where the model does not put it there by itself."""
        return [] if getattr(self.model, "opens_texts", False) else [opener(self.model.tokenizer)]

    def _refuse_long(self, document: Document, more: int = 0) -> None:
        if reason := too_long(Document(document.tokens, document.n_tokens + more, document.question), self.model):
            raise UserError(f"{self.spec}: {reason}; nothing is cut here, so leave such tasks out")

    def _refuse_sampling(self, settings: dict[str, Any]) -> None:
        if settings.get("do_sample") or (settings.get("temperature") or 0) > 0:
            raise UserError(f"{self.spec} says what is likeliest and draws nothing: set do_sample to false")


@dataclass(frozen=True)
class _Reader:
    """A model that reads as `model` does, and when it is asked does what `answer` says."""

    model: Any
    answer: Callable[..., list[_Rated]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)


def _arguments(request: Instance) -> tuple[Any, ...]:
    return request.args


def _is_ours(doc: Any) -> bool:
    """Whether a document is a row of a data set of ours."""
    return isinstance(doc, dict) and {"question", "choices", "haystack_id", "input"} <= set(doc)


def _question(request: Instance) -> str:
    """The question that ends the context, if the sample is ours; of others that is not known."""
    return request.doc["question"] if _is_ours(request.doc) else ""


def _until(text: str, ends: str | Iterable[str] | None) -> str:
    """A text up to the first of the texts that end it."""
    for end in [ends] if isinstance(ends, str) else ends or ():
        text = text.split(end, 1)[0] if end else text
    return text


def _parts(numbers: Sequence[int], size: int) -> Iterable[Sequence[int]]:
    return (numbers[start : start + size] for start in range(0, len(numbers), size))
