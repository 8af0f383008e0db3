"""A memory agent: a language model reads a passage, rewrites a bounded memory of words, and goes on to the next.

    memory              passage                          written
    -                   Mary went to the kitchen. ...    Mary: kitchen.
    Mary: kitchen.      ... Mary went to the garden.     Mary: garden (before: kitchen).
    Mary: garden ...    the tail, and the question       garden

After MemAgent (Yu et al. 2025, arXiv 2507.02259), with one difference: there the question stands above every passage,
so the memory is written for it. A segment model is asked only when it has read, so here the memory is written for any
question; `question=before` reads as MemAgent does, and what it carries on is then the whole text, until it is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from ...base.errors import UserError
from ...generators.tokens import load_tokenizer
from ..model import Reply, model
from .endpoint import Endpoint
from .kept_text import KeepsText, last_end, parted, refuse_lossy, written
from .local_lm import load_lm
from .prompting import Prompt, load_prompt

#: Tokens of an unfinished sentence that wait for the next passage; a longer one is read as it stands.
_CARRY = 64
_NOTHING = -1
#: The share of a prompt's tokens that a server must say it read: its tokenizer may be another.
_SURELY = 0.3
#: What the prompt that asks at the end is filled with.
_ANSWERS = ("memory", "passage", "question")
#: The question of each row, where it is known.
Questions = Sequence[str] | None


@dataclass(frozen=True)
class Memory:
    """What is remembered of each document. It has the same size whatever was read.

    `slots` int32 [batch, slots, tokens]: the memory as tokens; `carry` int32 [batch, 64]: a sentence that the next
    passage goes on with; both padded by -1. `writes`, `cut`, `idle` int64 [batch]: how often the memory was written,
    had to be cut to its size, and was left as it was since nothing was written. `failed`: why a row is read no more.
    """

    slots: torch.Tensor
    carry: torch.Tensor
    writes: torch.Tensor
    cut: torch.Tensor
    idle: torch.Tensor
    failed: tuple[Reply | None, ...]


class MemoryAgent(torch.nn.Module):
    """Reads with the language model `lm`; its memory has `size` slots and tokens in each. Made by `memory_agent`."""

    counts_flops = False  # what a language model computes hangs on the words of passage and memory
    incidental = Endpoint.INCIDENTAL

    def __init__(
        self,
        lm: Any,
        tokenizer: Any,
        segment_length: int,
        size: tuple[int, int],
        prompts: tuple[Prompt, Prompt],
        answer_tokens: int,
    ):
        super().__init__()
        self.lm = lm
        self.tokenizer = tokenizer
        self.segment_length = segment_length
        self._slots, self._size = size
        self._write, self._answer = prompts
        self._answer_tokens = answer_tokens
        self.identity = {
            "lm": lm.identity,
            "prompts": [prompt.identity for prompt in prompts],
            "memory": {"slots": self._slots, "tokens_each": self._size},
            "answer_tokens": answer_tokens,
        }
        self.about = {"base_url": lm.base_url} if isinstance(lm, Endpoint) else {}

    def start(self, batch_size: int) -> Memory:
        """An empty memory for each document."""
        empty = torch.full((batch_size, self._slots, self._size), _NOTHING, dtype=torch.int32)
        carry = torch.full((batch_size, _CARRY), _NOTHING, dtype=torch.int32)
        counts = (torch.zeros(batch_size, dtype=torch.int64) for _ in range(3))
        return Memory(empty, carry, *counts, failed=(None,) * batch_size)

    def read(self, state: Memory, segment: torch.Tensor, questions: Questions = None) -> Memory:
        """The memory after one more passage: int64 [batch, segment]. A row that fails is read no more."""
        passages, carry = self._passages(state.carry, segment)
        rows = [row for row, failed in enumerate(state.failed) if failed is None]
        asked = [self._writing(state, row, passages[row], questions) for row in rows]
        replies = dict(zip(rows, self._ask(asked, self._size), strict=True))
        slots, counts = state.slots.clone(), {name: getattr(state, name).clone() for name in ("writes", "cut", "idle")}
        failed = list(state.failed)
        for row, reply in replies.items():
            if reply.status != "answered":
                failed[row] = replace(reply, reason=f"writing the memory: {reply.reason}")
                continue
            tokens = self.tokenizer.encode(reply.text, add_special_tokens=False)
            counts["cut"][row] += len(tokens) > self._size or reply.reason.startswith("cut at")
            counts["idle"][row] += not tokens
            if tokens:
                slots[row, int(state.writes[row]) % self._slots] = _row(tokens[: self._size], self._size)
            counts["writes"][row] += 1
        return Memory(slots, carry, failed=tuple(failed), **counts)

    def answer(self, state: Memory, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]) -> list[Reply]:
        """What the model says from memory and tail, for each row; a row for which it failed fails with that reason."""
        rows = [row for row, failed in enumerate(state.failed) if failed is None]
        asked = [self._asking(state, row, prompts[row], choices[row]) for row in rows]
        replies = dict(zip(rows, self._ask(asked, self._answer_tokens), strict=True))
        return [
            failed or replace(replies[row], reason=", ".join(filter(None, (replies[row].reason, _remark(state, row)))))
            for row, failed in enumerate(state.failed)
        ]

    def remembered(self, state: Memory, row: int) -> list[str]:
        """The memory of one document as text, slot by slot."""
        return [written(self.tokenizer, slot[slot != _NOTHING].tolist()).strip() for slot in state.slots[row]]

    def _writing(self, state: Memory, row: int, passage: str, questions: Questions) -> str:
        slots = self.remembered(state, row)
        turn = int(state.writes[row]) % self._slots
        return self._write.fill(
            memory=slots.pop(turn),
            others="\n".join(filter(None, slots)),
            passage=passage,
            slots=self._slots,
            tokens=self._size,
            **({} if questions is None else {"question": questions[row]}),
        )

    def _asking(self, state: Memory, row: int, prompt: torch.Tensor, choices: Sequence[str]) -> str:
        carry = state.carry[row]
        passage, question = parted(self.tokenizer, torch.cat([carry[carry != _NOTHING], prompt.to("cpu", torch.int32)]))
        memory = "\n".join(filter(None, self.remembered(state, row)))
        return self._answer.fill(memory=memory, passage=passage, question=question, choices=tuple(choices))

    def _ask(self, texts: Sequence[str], tokens: int) -> list[Reply]:
        lengths = (len(self.tokenizer.encode(text, add_special_tokens=False)) for text in texts)
        return self.lm.ask(texts, tokens, least=[int(length * _SURELY) for length in lengths])

    def _passages(self, carry: torch.Tensor, segment: torch.Tensor) -> tuple[list[str], torch.Tensor]:
        """What each row reads now, and what waits: the sentence that the segment's end cuts in two."""
        passages, waiting = [], torch.full_like(carry, _NOTHING)
        for row, (before, tokens) in enumerate(zip(carry, segment.to("cpu", torch.int32), strict=True)):
            text = written(self.tokenizer, torch.cat([before[before != _NOTHING], tokens]))
            end = last_end(text)
            rest = self.tokenizer.encode(text[end:], add_special_tokens=False)
            if end and len(rest) <= _CARRY:
                waiting[row] = _row(rest, _CARRY)
                text = text[:end]
            passages.append(text.strip())
        return passages, waiting


class ToldBefore(KeepsText, torch.nn.Module):
    """A memory agent that knows the question while it reads: it keeps the text, and reads once it is asked."""

    incidental = Endpoint.INCIDENTAL
    chunk_invariant = False  # the memory depends on where the passages end

    def __init__(self, agent: MemoryAgent):
        torch.nn.Module.__init__(self)
        self.agent = agent
        self.tokenizer, self.segment_length = agent.tokenizer, agent.segment_length
        self.identity, self.about = agent.identity, agent.about

    def answer(self, state: Any, prompts: Sequence[torch.Tensor], choices: Sequence[Sequence[str]]) -> list[Reply]:
        """Read all segments with each row's question in sight, then answer from the memory."""
        questions = [parted(self.tokenizer, prompt)[1] for prompt in prompts]
        memory = self.agent.start(len(prompts))
        for segment in self.segments(state):
            memory = self.agent.read(memory, segment, questions)
        return self.agent.answer(memory, prompts, choices)


@model("memory-agent")
def memory_agent(
    lm: str = "",
    segment_length: int = 5_000,
    memory_tokens: int = 1_024,
    slots: int = 1,
    question: str = "after",
    write_prompt: str | None = None,
    answer_prompt: str = "memory-answer",
    answer_tokens: int = 64,
    tokenizer: str | None = None,
    **lm_options: Any,
) -> MemoryAgent | ToldBefore:
    """A language model that keeps notes in words: `memory-agent:server:MODEL_NAME`, or a FOLDER of one to run here.

    Passages of `segment_length` tokens, a memory of `memory_tokens`: those of MemAgent. A memory that comes out longer
    is cut at that size, an empty one is not taken; how often is said in each record's `reason`. With several `slots`
    the memory is parted, and each step rewrites one of them, in turn, and sees the others (a form that the
    project's plan names after arXiv 2607.01523; that paper was not at hand).
    With `question=before` the model knows the question while it reads: the memory is then written for it, and
    the state is the text. `write_prompt` and `answer_prompt` are paths of Jinja templates; those that ship lie in
    bench/models/prompts. Tokens are counted with `tokenizer` (a local model: with its own). The remaining options are
    those of the model: on a server as for `server`; here dtype, attn_implementation and thinking_tokens.
    """
    if question not in ("before", "after"):
        raise UserError(f"question is before or after, not {question!r}")
    if slots < 1 or memory_tokens < slots or answer_tokens < 1:
        raise UserError("slots and answer_tokens are 1 or more, memory_tokens at least one for each slot")
    speaker = load_lm(lm, lm_options, "memory-agent:", memory_agent)
    counted = load_tokenizer(tokenizer) if tokenizer or isinstance(speaker, Endpoint) else speaker.tokenizer
    refuse_lossy(counted)
    before = question == "before"
    prompts = (
        _writing_prompt(write_prompt or ("memory-write-asked" if before else "memory-write"), before),
        load_prompt(answer_prompt, _ANSWERS, _ANSWERS, {"choices": ()}),
    )
    agent = MemoryAgent(speaker, counted, segment_length, (slots, memory_tokens // slots), prompts, answer_tokens)
    return ToldBefore(agent) if before else agent


def _writing_prompt(name: str, asked: bool) -> Prompt:
    takes = ("memory", "passage", "question") if asked else ("memory", "passage")
    return load_prompt(name, takes, takes, {"others": "", "slots": 1, "tokens": 1})


def _row(tokens: Sequence[int], width: int) -> torch.Tensor:
    return torch.tensor([*tokens, *[_NOTHING] * (width - len(tokens))], dtype=torch.int32)


def _remark(state: Memory, row: int) -> str:
    """What was odd about the writing of one document's memory."""
    writes = int(state.writes[row])
    cut, idle = int(state.cut[row]), int(state.idle[row])
    remarks = ((cut, "memory cut"), (idle, "nothing written"))
    return ", ".join(f"{what} at {count:,} of {writes:,} passages" for count, what in remarks if count)
