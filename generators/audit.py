"""The audit of a data set: is what it says of itself true, is every answer in its text, do facts stand out?

    files -> rows, a few texts at a time -> checks (sound or not) and what was measured -> a report

Nothing is taken on trust: texts are searched, read and tokenised again, and stories are told again from the manifest's
plan. No more than a few texts are in memory. Knows no layout of reports (see audit_page.py).
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ..base.errors import UserError, one_line
from ..tasks.lexicon import OFFICIAL
from .audit_files import check_files, stored_samples
from .audit_findings import Answers, Detectability, Findings, Part, Report
from .audit_learned import Sentences, majority, question_only, require_sklearn
from .audit_plan import Planned
from .audit_rows import (
    CLAIMS,
    Document,
    Tokens,
    check_answers,
    check_depths,
    check_lengths,
    check_names,
    check_spans,
    check_story,
    check_text,
    filler_depths,
    read_again,
)
from .dataset import Dataset

#: So many characters of text are tokenised together.
_TOGETHER = 1_500_000
#: A test fails where chance alone would bring about what is seen this seldom, in one data set of many tasks.
_SELDOM = 0.001
#: Depths are compared with the plan by a test where there is so much filler, and so many facts.
_FILLER_FOR_TEST, _FACTS_FOR_TEST = 1_000, 20
#: Tests of counts want so many stories.
_STORIES_FOR_TEST, _COMMON = 20, 10
#: What stands in the way of reading a file that is damaged.
_DAMAGE = (UserError, OSError, ValueError, KeyError, TypeError)


def audit(
    folder: str | Path,
    *,
    tokenizer: str | None = None,
    background: str | None = None,
    facts: str | None = None,
    progress: Callable[[str, int], None] = lambda what, tokens: None,
) -> Report:
    """Audit a data set folder. `progress` hears of every text: its task and length, its tokens.

    `tokenizer`, `background` and `facts` say where those of the data set lie, when their names do not. Raises
    `UserError` when the folder holds no data set, or when one of those is not what it was made with.
    """
    require_sklearn()
    dataset = Dataset(folder, tokenizer=tokenizer, background=background, facts=facts)
    planned = Planned(dataset.manifest["plan"], tokenizer, background, facts)
    if dataset.store == "recipe":
        _ = dataset.plan  # a recipe that cannot be rendered here is a wrong call, and not damage
    return _Audit(dataset, planned, progress).report()


class _Audit:
    """One audit: walks through the data set and keeps what it finds."""

    def __init__(self, dataset: Dataset, planned: Planned, progress: Callable[[str, int], None]):
        self.dataset = dataset
        self.planned = planned
        self.progress = progress
        self.findings = Findings(CLAIMS)
        self.ids: set[str] = set()
        self.texts: dict[str, str] = {}
        self.questions: dict[str, dict[tuple[int, int], tuple[str, str, str]]] = {task: {} for task in dataset.tasks}

    def report(self) -> Report:
        """Look at everything, and say what was found."""
        for name, reason in (("story", self.planned.refused), ("text", self.planned.refused or self.planned.unread)):
            if reason:
                self.findings.skip(name, reason)
        parts: list[Part] = []
        detectability: list[Detectability] = []
        for length in self.dataset.lengths:
            sentences = Sentences(length, self._count(length))
            made = (self._part(task, length, sentences) for task in self.dataset.tasks)
            parts += [part for part in made if part is not None]
            if any(sentences.facts) and not all(sentences.facts):
                detectability.append(sentences.detectability(self._names()))
        self._check_even(parts)
        self._check_other_split()
        answers = tuple(self._answers(task) for task in self.dataset.tasks if self.questions[task])
        checks = tuple(self.findings.checks.values())
        plan = self.dataset.manifest["plan"]
        return Report(str(self.dataset.folder), plan, checks, tuple(parts), answers, tuple(detectability))

    def _count(self, length: str) -> int:
        """How many texts there are at a length, about."""
        files = self.dataset.manifest["files"].items()
        return sum(file["rows"] for path, file in files if path.startswith(f"{length}/"))

    def _names(self) -> frozenset[str]:
        return OFFICIAL.union(*(task.lexicon for task in self.planned.tasks.values()))

    def _part(self, task: str, length: str, sentences: Sentences) -> Part | None:
        """Check the files of one task at one length and every text in them; `None` where there is nothing to read."""
        paths = check_files(self.dataset, task, length, self.findings)
        measured = _Measured(task, length)
        try:
            for document, tokens in self._documents(paths):
                self._check(document, tokens, measured)
                sentences.add(document) if document.has_filler else None
                self.progress(f"{task} at {length}", document.samples[0].n_tokens)
        except _DAMAGE as error:
            self.findings.expect("files", False, f"{length}/{task}", f"cannot be read ({one_line(error)})")
        if not self.planned.refused:
            missing = sorted(set(range(self.planned.count(length))) - measured.indexes)
            self.findings.expect("files", not missing, f"{length}/{task}", f"sample {missing[:1]} is missing")
        even = not self.planned.refused and self.planned.placement(task) == "uniform"
        return measured.part(even) if measured.indexes else None

    def _documents(self, paths: list[str]) -> Iterator[tuple[Document, Tokens]]:
        """Every text of some files with its tokens; a few are tokenised together, by all cores."""
        samples = itertools.chain.from_iterable(stored_samples(self.dataset, path) for path in paths)
        grouped = itertools.groupby(samples, key=lambda sample: sample.haystack_id)
        batch: list[Document] = []
        for document in (Document(list(group)) for _, group in grouped):
            batch.append(document)
            if sum(len(document.text) for document in batch) >= _TOGETHER:
                yield from zip(batch, read_again(batch, self.planned.encoder), strict=True)
                batch = []
        yield from zip(batch, read_again(batch, self.planned.encoder), strict=True)

    def _check(self, document: Document, tokens: Tokens, measured: _Measured) -> None:
        first = document.samples[0]
        if not self._in_place(document, measured):
            return
        check_spans(document, tokens, self.findings)
        check_answers(document, self.findings)
        check_names(document, self.planned.tasks.get(first.task), self.findings)
        exact = check_lengths(document, tokens.count, self.planned, self.findings)
        depths = filler_depths(document, self.planned)
        if not self.planned.refused and first.task in self.planned.tasks:
            check_story(document, self.planned, self.findings)
            check_depths(document, depths, self.planned, self.findings)
            if not self.planned.unread:
                check_text(document, self.planned, self.findings)
        self._check_duplicates(document)
        self._keep_questions(document)
        measured.add(document, exact, depths)

    def _in_place(self, document: Document, measured: _Measured) -> bool:
        """Whether the rows belong to the file they are in; others are told, and not looked at."""
        where = f"{measured.length}/{measured.task}"
        found = {(sample.task, sample.length) for sample in document.samples}
        strange = found - {(measured.task, measured.length)}
        told = " and ".join(f"{task} at {length}" for task, length in sorted(strange))
        return self.findings.expect("files", not strange, where, f"it holds a row of {told}")

    def _check_duplicates(self, document: Document) -> None:
        for sample in document.samples:
            new = sample.id not in self.ids
            self.findings.expect("duplicates", new, document.where, f"the id {sample.id} occurs twice")
            self.ids.add(sample.id)
        if document.has_filler:
            before = self.texts.setdefault(document.text_hash, document.where)
            own = before == document.where
            self.findings.expect("duplicates", own, document.where, f"it has the text of {before}")

    def _keep_questions(self, document: Document) -> None:
        kept = self.questions[document.samples[0].task]
        for number, sample in enumerate(document.samples):
            labels = _canonical(sample.answer, sample.choices), _position(sample.answer, sample.choices)
            kept[sample.index, number] = (sample.question, *labels)

    def _check_even(self, parts: list[Part]) -> None:
        """Depths are as even as the plan has them, by one test for each task and length."""
        tested = [(part, part.depths_p) for part in parts if part.depths_p is not None]
        for part, p in tested:
            self.findings.expect(
                "depths", p > _SELDOM / len(tested), f"{part.length}/{part.task}",
                f"depths are uneven (Kolmogorov-Smirnov, p = {p:.1e}): {part.depths} in tenths of the text",
            )  # fmt: skip

    def _check_other_split(self) -> None:
        """No id, and no text with filler, of the other split is in the data set; its answers are spread alike."""
        if self.planned.refused:
            return self.findings.skip("train", self.planned.refused)
        if self.planned.unread:
            self.findings.skip("train", f"ids only, not texts: {self.planned.unread}")
        for name, length in itertools.product(self.planned.tasks, self.dataset.lengths):
            for index in range(self.planned.count(length)):
                where = f"{length}/{name} sample {index} of the other split"
                self._check_other(name, length, index, where)
        return None

    def _check_other(self, name: str, label: str, index: int, where: str) -> None:
        task, length = self.planned.tasks[name], self.planned.lengths[label]
        ids = self.planned.train.ids(name, task, length, index)
        self.findings.expect("train", self.ids.isdisjoint(ids), where, f"its id {ids[0]} occurs")
        if not self.planned.unread and length.tokens != 0:
            document = Document(list(self.planned.train.samples(name, task, length, index)))
            there = self.texts.get(document.text_hash)
            self.findings.expect("train", there is None or not document.has_filler, where, f"its text is {there}'s")

    def _answers(self, name: str) -> Answers:
        asked = self.questions[name]
        questions, answers, positions = zip(*(asked[key] for key in sorted(asked)), strict=True)
        p = self._labels_p(name, positions)
        if p is not None:
            seldom = _SELDOM / len(self.questions)
            self.findings.expect("labels", p > seldom, name, f"p = {p:.1e}: {dict(Counter(answers).most_common())}")
        alone = question_only(questions, answers, [index for index, _ in sorted(asked)])
        labels = dict(Counter(answers).most_common())
        task = self.planned.tasks.get(name)
        return Answers(name, len(asked), labels, p, majority(answers), alone, task.chance if task else 0.0)

    def _labels_p(self, name: str, positions: tuple[str, ...]) -> float | None:
        """How likely answers differ so much from those of as many fresh stories; `None` for too few, or free ones."""
        if self.planned.refused or len(positions) < _STORIES_FOR_TEST or not all(positions):
            return None
        stories = {index for index, _ in self.questions[name]}
        told = (self.planned.train.story(name, self.planned.tasks[name], index)[0] for index in sorted(stories))
        fresh = Counter(_position(q.answer, q.choices) for episode in told for q in episode.questions)
        return _same_p(Counter(positions), fresh)


class _Measured:
    """What is measured on one task at one length."""

    def __init__(self, task: str, length: str):
        self.task, self.length = task, length
        self.indexes: set[int] = set()
        self.sizes: list[int] = []
        self.exact = self.distractors = self.wraps = 0
        self.depths: list[float] = []
        self.filler = 0

    def add(self, document: Document, exact: bool, depths: list[float]) -> None:
        """Count one text in."""
        first = document.samples[0]
        self.indexes.add(first.index)
        self.sizes.append(first.n_tokens)
        self.exact += exact
        self.distractors += first.n_distractors
        self.wraps += first.wraps
        self.depths += depths if document.has_filler else []
        self.filler = first.n_tokens

    def part(self, even: bool) -> Part:
        """The sum of it. `even` says whether the plan spreads facts evenly."""
        from scipy.stats import kstest

        tested = even and self.filler >= _FILLER_FOR_TEST and len(self.depths) >= _FACTS_FOR_TEST
        return Part(
            self.task,
            self.length,
            len(self.sizes),
            (min(self.sizes), max(self.sizes)),
            self.exact,
            self.distractors,
            self.wraps,
            tuple(np.histogram(np.clip(self.depths, 0, 1), bins=10, range=(0, 1))[0].tolist()),
            float(kstest(self.depths, "uniform").pvalue) if tested else None,
        )


def _same_p(one: Counter[str], other: Counter[str]) -> float:
    """How likely two rows of counts differ so much by chance (chi square; rare labels are counted together)."""
    from scipy.stats import chi2_contingency

    common = [label for label in one | other if one[label] + other[label] >= _COMMON]
    table = [[counts[label] for label in common] for counts in (one, other)]
    rest = [counts.total() - sum(row) for counts, row in zip((one, other), table, strict=True)]
    table = [[*row, left] if sum(rest) else row for row, left in zip(table, rest, strict=True)]
    return float(chi2_contingency(table)[1]) if len(table[0]) > 1 else 1.0  # pyright: ignore


def _position(answer: str, choices: tuple[str, ...]) -> str:
    """Which of its question's choices an answer is, whatever words a story draws; empty where it is free text."""
    items = [answer] if answer in choices else answer.split(",")
    return ",".join(sorted(str(choices.index(item)) for item in items if item in choices))


def _canonical(answer: str, choices: tuple[str, ...]) -> str:
    """The answer; a list in one order."""
    return answer if answer in choices else ",".join(sorted(answer.split(",")))
