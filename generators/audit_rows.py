"""What can be wrong with one document of a data set and its questions. Knows no files and no statistics.

Everything is looked at on the final text: it is searched, read and tokenised again as a model would meet it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

from ..base.files import digest
from ..tasks.episode import Episode, Task
from ..tasks.lexicon import OFFICIAL, collision_pattern, stems
from ..tasks.reader import Reader
from .audit_findings import Findings
from .audit_plan import Planned
from .haystack import PlacedFact
from .samples import Sample
from .tokens import Encoder

CLAIMS = {
    "files": "every file of the manifest is there, whole, with the rows and the hash it should have",
    "spans": "every fact stands in the text, and between the tokens, where its row says",
    "story": "ids, questions, answers, facts and supporting flags are those of the plan",
    "text": "the text is, to the byte, what the plan makes",
    "answers": "the symbolic reader finds the right answer in the final text",
    "names": "no word of the tasks stands in the filler, in any form",
    "lengths": "read again, the text has the tokens its row says, and as many as were asked for",
    "depths": "facts lie as deep as the plan puts them",
    "labels": "answers are spread as in fresh stories of the same task",
    "duplicates": "no sample and no text occurs twice",
    "train": "no sample and no text of the other split occurs",
}
#: A text may fall short of what was asked for by this share (where no sentence fits), or by so many tokens.
_SHORT, _SHORT_TOKENS = 0.005, 8
#: Characters of a text that are tokenised at a time, about, and pieces of so many.
_PIECE, _PIECES = 200_000, 8
#: How far a fact may be from its planned depth: this share of the filler, and so many tokens (a long sentence);
#: distractors, strewn at random, push it as far as the root of their number.
_OFF, _OFF_TOKENS, _OFF_DISTRACTORS = 0.02, 400, 80


@dataclass
class Document:
    """One text of a data set, its tokens, and the samples that ask about it, in order."""

    samples: list[Sample]

    @cached_property
    def text(self) -> str:
        """The whole context, facts and filler."""
        return self.samples[0].text

    @cached_property
    def text_hash(self) -> str:
        """What the text is known by when it is compared with others."""
        return digest(self.text)[:32]

    @property
    def where(self) -> str:
        """Where it is, for messages."""
        first = self.samples[0]
        return f"{first.length}/{first.task} sample {first.index}"

    @property
    def facts(self) -> tuple[PlacedFact, ...]:
        """The facts as the first sample has them; they stand in the same places in every other."""
        return self.samples[0].facts

    @property
    def has_filler(self) -> bool:
        """Whether there is any text beside the facts."""
        return len(self.text) > sum(len(fact.text) + 1 for fact in self.facts)


@dataclass
class Tokens:
    """What a text is to a tokenizer that reads it anew: how many tokens it has, and which of them begin at facts."""

    count: int = 0
    at: dict[int, int | None] = field(default_factory=dict)


def read_again(documents: Sequence[Document], encoder: Encoder) -> list[Tokens]:
    """The tokens of some texts, by all cores. Long ones are cut between sentences, so that memory stays bounded."""
    found = [Tokens() for _ in documents]
    pieces = ((number, *piece) for number, doc in enumerate(documents) for piece in _pieces(doc.text, encoder))
    while batch := list(islice(pieces, _PIECES)):
        for (number, start, text), encoding in zip(batch, encoder.encodings([text for *_, text in batch]), strict=True):
            _locate(documents[number], found[number], start, len(text), encoding)
    return found


def _pieces(text: str, encoder: Encoder) -> Iterator[tuple[int, str]]:
    """A text cut where its sentences join, as `Encoder` says they do: where each piece starts, and the piece."""
    start = 0
    while start < len(text):
        end = text.find(". ", start + _PIECE) + 1 or len(text)
        yield start, text[start:end]
        start = end if encoder.marks_space or end == len(text) else end + 1


def _locate(document: Document, tokens: Tokens, start: int, length: int, encoding: Any) -> None:
    """Count the tokens of a piece, and note those at which a fact is said to begin."""
    for place in {fact.char_start for sample in document.samples for fact in sample.facts}:
        if start <= place < start + length:
            token = _first_token(encoding, place - start)
            tokens.at[place] = None if token is None else tokens.count + token
    tokens.count += len(encoding)


def _first_token(encoding: Any, place: int) -> int | None:
    """The token that begins at a character; one that is nothing but the space before it belongs to it."""
    token = encoding.char_to_token(place)
    while token and (span := encoding.token_to_chars(token - 1)) is not None and span[0] >= place - 1:
        token -= 1
    return token


def check_spans(document: Document, tokens: Tokens, findings: Findings) -> None:
    """Facts stand where the rows say: by characters, by tokens, in story order; depths are what the tokens say."""
    for sample in document.samples:
        starts = [fact.char_start for fact in sample.facts]
        findings.expect("spans", starts == sorted(starts), document.where, "facts are not in story order")
        for number, fact in enumerate(sample.facts):
            where = f"{document.where}, fact {number}"
            there = document.text[fact.char_start : fact.char_end] == fact.text
            findings.expect("spans", there, where, f"{fact.text!r} is not at {fact.char_start}..{fact.char_end}")
            if there:
                token = tokens.at.get(fact.char_start)
                findings.expect(
                    "spans", token == fact.token_start, where, f"it begins at token {token}, not {fact.token_start}"
                )
            depth = fact.token_start / max(sample.n_tokens, 1)
            findings.expect(
                "spans", abs(fact.depth - depth) < 1e-9, where, f"its depth is {depth:.6f}, not {fact.depth:.6f}"
            )


def check_answers(document: Document, findings: Findings) -> None:
    """The symbolic reader, which knows neither task nor facts, finds every answer; other questions are not its own."""
    reader = Reader(document.text)
    for sample in document.samples:
        found = reader.find(sample.question)
        if found is None:
            findings.skip("answers", f"the reader cannot read questions such as {sample.question!r}")
            continue
        same = sorted(found.split(",")) == sorted(sample.answer.split(",")) or found == sample.answer
        if "," in sample.answer and sample.answer in sample.choices:
            same = found == sample.answer  # a path is one label, and its order counts
        findings.expect(
            "answers", same, document.where, f"{sample.question!r} is {found!r} in the text, not {sample.answer!r}"
        )


def check_names(document: Document, task: Task | None, findings: Findings) -> None:
    """Nothing but the facts holds a word of the tasks."""
    lexicon = OFFICIAL | (task.lexicon if task else frozenset())
    for sample in document.samples[:1]:
        filler = _filler(document.text, sample.facts)
        found = next(names_in(filler, lexicon), "")
        findings.expect("names", not found, document.where, f"the filler holds {found!r}")


def check_lengths(document: Document, n_tokens: int, planned: Planned, findings: Findings) -> bool:
    """The text has the tokens and characters that the rows say, and as many as were asked for; whether exactly so."""
    first = document.samples[0]
    nominal = planned.nominal(planned.lengths[first.length], [sample.question for sample in document.samples])
    for sample in document.samples:
        said = (sample.n_tokens, sample.n_chars)
        findings.expect(
            "lengths", said == (n_tokens, len(document.text)), document.where,
            f"the text has {n_tokens} tokens and {len(document.text)} characters, not {said[0]} and {said[1]}",
        )  # fmt: skip
    missing = nominal - n_tokens
    fits = 0 <= missing <= max(_SHORT * nominal, _SHORT_TOKENS) or (missing < 0 and not document.has_filler)
    findings.expect("lengths", fits, document.where, f"it has {n_tokens} tokens, and {nominal} were asked for")
    return missing == 0 or not document.has_filler


def check_story(document: Document, planned: Planned, findings: Findings) -> Episode:
    """The rows are those of the plan: ids, questions, answers, choices, facts and which of them support the answer."""
    first = document.samples[0]
    task = planned.tasks[first.task]
    episode, _ = planned.source.story(first.task, task, first.index)
    ids = planned.source.ids(first.task, task, planned.lengths[first.length], first.index)
    told = len(document.samples) == len(episode.questions)
    findings.expect("story", told, document.where, f"{len(document.samples)} of {len(episode.questions)} questions")
    for sample, question, id_ in zip(document.samples, episode.questions, ids, strict=False):
        supporting = tuple(number for number, fact in enumerate(sample.facts) if fact.supporting)
        pairs = {
            "id": (sample.id, id_),
            "question": (sample.question, question.text),
            "answer": (sample.answer, question.answer),
            "choices": (sample.choices, question.choices),
            "facts": (tuple(fact.text for fact in sample.facts), episode.facts),
            "supporting facts": (supporting, tuple(sorted(set(question.supporting)))),
        }
        for what, (found, wanted) in pairs.items():
            findings.expect("story", found == wanted, document.where, f"{what}: {found!r}, planned: {wanted!r}")
    return episode


def check_text(document: Document, planned: Planned, findings: Findings) -> None:
    """The text is what the plan makes, and so are the counts that the rows give of it."""
    first = document.samples[0]
    made = planned.source.samples(first.task, planned.tasks[first.task], planned.lengths[first.length], first.index)[0]
    differing = first_difference(document.text, made.text)
    findings.expect("text", differing is None, document.where, f"it differs from character {differing} on")
    for sample in document.samples:
        found, wanted = (sample.n_distractors, sample.wraps), (made.n_distractors, made.wraps)
        findings.expect(
            "text", found == wanted, document.where, f"(distractors, wraps) are {wanted}, the row says {found}"
        )


def filler_depths(document: Document, planned: Planned) -> list[float]:
    """How deep in the filler each fact lies: the tokens before it that are no facts, as a share of all such."""
    sizes = [len(planned.encoder.short(fact.text)) for fact in document.facts]
    filler = document.samples[0].n_tokens - sum(sizes)
    before = 0
    depths = []
    for fact, size in zip(document.facts, sizes, strict=True):
        depths.append((fact.token_start - before) / max(filler, 1))
        before += size
    return depths


def check_depths(document: Document, depths: Sequence[float], planned: Planned, findings: Findings) -> None:
    """Each fact lies near its planned depth. Lead-ins and distractors push facts apart where all lie at one depth."""
    first = document.samples[0]
    if not document.has_filler or (planned.disguised and planned.placement(first.task) != "uniform"):
        return
    _, places = planned.source.story(first.task, planned.tasks[first.task], first.index)
    facts = sum(len(planned.encoder.short(fact.text)) for fact in first.facts)
    tokens = _OFF_TOKENS + _OFF_DISTRACTORS * first.n_distractors**0.5
    allowed = _OFF + tokens / max(first.n_tokens - facts, 1)
    for number, (found, wanted) in enumerate(zip(depths, places, strict=False)):
        findings.expect(
            "depths", abs(found - wanted) <= allowed, f"{document.where}, fact {number}",
            f"it lies at {found:.3f} of the filler, planned: {wanted:.3f}",
        )  # fmt: skip


def names_in(text: str, lexicon: frozenset[str]) -> Iterator[str]:
    """The forms of lexicon words in a long text. Words are looked up one by one: the pattern alone is far slower."""
    folded = text.casefold().replace("ı", "i")
    pattern = collision_pattern(lexicon)
    for word in sorted(stems(lexicon)):
        at = folded.find(word)
        while at >= 0:
            if match := pattern.match(folded, at):
                yield match[0]
            at = folded.find(word, at + 1)


def _filler(text: str, facts: Sequence[PlacedFact]) -> str:
    """The text without its facts."""
    pieces, end = [], 0
    for fact in sorted(facts, key=lambda fact: fact.char_start):
        pieces.append(text[end : fact.char_start])
        end = max(end, fact.char_end)
    return " ".join((*pieces, text[end:]))


def first_difference(one: str, other: str) -> int | None:
    """Where two texts begin to differ; `None` when they do not."""
    if one == other:
        return None
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
