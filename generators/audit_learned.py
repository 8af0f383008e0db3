"""What can be learned about a data set without understanding it: which sentences are facts, which answer is likely.

A small classifier that tells facts from filler one sentence at a time shows how far they stand out: by their words, by
their words without the names, or by their length alone. Needs scikit-learn (`rmt-bench[audit]`). Knows no files.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..base.errors import UserError
from ..tasks.distractors import OTHERS
from .audit_findings import Detectability
from .audit_rows import Document

#: So many sentences of each kind are learned from, at most, at one length; and so many facts of one text.
_FACTS, _FILLER, _FACTS_OF_ONE = 3_000, 6_000, 8
#: Filler is taken from one stretch of a text, of so many characters; a fact is cut out of so many around it.
_STRETCH, _AROUND = 20_000, 600
#: With fewer sentences of a kind, or fewer questions, nothing is learned.
_FEWEST, _FEWEST_QUESTIONS = 30, 20
_FOLDS = 5
_END = re.compile(r"""[.!?…]["'”’»)\]]*\s+(?=["'“‘«(\[—-]*[A-Z])""")
_WORD = re.compile(r"\w+")


def require_sklearn() -> None:
    """Raises `UserError` with the remedy when scikit-learn is not installed."""
    try:
        import sklearn  # noqa: F401  # pyright: ignore
    except ImportError as error:
        raise UserError("the audit needs scikit-learn: pip install 'rmt-bench[audit]'") from error


@dataclass
class Sentences:
    """Sentences of one length's texts as a reader of text alone would cut them, each a fact's or not.

    `n_documents` is how many texts there will be: each gives its share.
    """

    length: str
    n_documents: int
    seed: int = 0
    texts: list[str] = field(default_factory=list)
    facts: list[bool] = field(default_factory=list)
    stories: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)

    def add(self, document: Document) -> None:
        """Take this text's share of facts, and of the sentences of a random stretch of its filler."""
        first = document.samples[0]
        quota = min(_FACTS_OF_ONE, max(_FACTS // max(self.n_documents, 1), 1))
        chosen = self._rng.permutation(len(document.facts))[:quota]
        told = [document.facts[number] for number in chosen]
        self._keep([_around(document.text, fact.char_start, fact.char_end) for fact in told], True, first)
        spans = [(fact.char_start, fact.char_end) for fact in document.facts]
        start = int(self._rng.integers(max(len(document.text) - _STRETCH, 0) + 1))
        filler = list(_filler_sentences(document.text, start, spans))
        quota = max(_FILLER // max(self.n_documents, 1), 1)
        self._keep([filler[i] for i in self._rng.permutation(len(filler))[:quota]], False, first)

    def _keep(self, texts: Sequence[str], are_facts: bool, first: Any) -> None:
        self.texts += texts
        self.facts += [are_facts] * len(texts)
        self.stories += [f"{first.task}/{first.index}"] * len(texts)

    def detectability(self, names: frozenset[str]) -> Detectability:
        """How well each classifier tells the facts. `names` are the words of the tasks, in lower case."""
        facts = np.array(self.facts, dtype=bool)
        words = np.array([len(_WORD.findall(text)) for text in self.texts], dtype=float)
        scored: list[float | None] = [None] * 3
        if min(facts.sum(), (~facts).sum()) >= _FEWEST and len(set(self.stories)) >= _FOLDS:
            hidden = names | {word.lower() for others in OTHERS.values() for word in others}
            features = (_bag(self.texts), _bag(self.texts, hidden), _sizes(self.texts, words))
            scored = [_area(matrix, facts, self.stories) for matrix in features]
        fact_words, filler_words = (float(words[kind].mean()) if kind.any() else 0.0 for kind in (facts, ~facts))
        counts = int(facts.sum()), int((~facts).sum())
        return Detectability(self.length, *counts, scored[0], scored[1], scored[2], fact_words, filler_words)


def question_only(questions: Sequence[str], answers: Sequence[str], stories: Sequence[int]) -> float | None:
    """The cross-validated accuracy of a classifier that sees the question alone; `None` for too few."""
    if len(set(stories)) < _FEWEST_QUESTIONS:
        return None
    if len(set(answers)) == 1:
        return 1.0
    from sklearn.model_selection import GroupKFold
    from sklearn.svm import LinearSVC

    matrix, labels = _bag(questions, pairs=True), np.array(answers)
    right = 0
    for fitted, held in GroupKFold(_FOLDS).split(matrix, labels, stories):
        if len(set(labels[fitted])) == 1:
            right += int(np.sum(labels[held] == labels[fitted][0]))
            continue
        model = LinearSVC(C=0.3, random_state=0).fit(matrix[fitted], labels[fitted])
        right += int(np.sum(model.predict(matrix[held]) == labels[held]))
    return right / len(labels)


def majority(answers: Sequence[str]) -> float:
    """How often the commonest answer is right."""
    return Counter(answers).most_common(1)[0][1] / len(answers) if answers else 0.0


def _bag(texts: Sequence[str], hidden: frozenset[str] | set[str] = frozenset(), pairs: bool = False) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(
        tokenizer=_WORD.findall, token_pattern=None,  # pyright: ignore[reportArgumentType]
        stop_words=sorted(hidden) or None, min_df=1 if pairs else 2,
        ngram_range=(1, 2) if pairs else (1, 1),
    )  # fmt: skip
    return counter.fit_transform(texts)


def _sizes(texts: Sequence[str], words: np.ndarray) -> Any:
    """Number of words, and of characters in steps of five, one column for each: no shape is taken for granted."""
    from sklearn.preprocessing import OneHotEncoder

    characters = np.array([len(text) // 5 for text in texts])
    return OneHotEncoder().fit_transform(np.column_stack([np.minimum(words, 60), np.minimum(characters, 60)]))


def _area(matrix: Any, facts: np.ndarray, stories: Sequence[str]) -> float:
    """The area under the ROC curve of out-of-fold scores; all sentences of one story are in one fold."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold

    scores = np.zeros(len(facts))
    for fitted, held in GroupKFold(_FOLDS).split(matrix, facts, stories):
        model = LogisticRegression(solver="liblinear", C=0.3).fit(matrix[fitted], facts[fitted])
        scores[held] = model.decision_function(matrix[held])
    return float(roc_auc_score(facts, scores))


def _around(text: str, start: int, end: int) -> str:
    """The sentence that holds `start..end`, as the text alone shows it."""
    low, high = max(start - _AROUND, 0), min(end + _AROUND, len(text))
    begin = max((match.end() for match in _END.finditer(text, low, start + 1) if match.end() <= start), default=low)
    after = _END.search(text, max(end - 1, 0), high)
    return text[begin : after.end() if after else high].strip()


def _filler_sentences(text: str, start: int, facts: Sequence[tuple[int, int]]) -> Iterator[str]:
    """The sentences within a stretch of text that hold nothing of a fact."""
    stop = min(start + _STRETCH, len(text))
    cuts = [match.end() for match in _END.finditer(text, start, stop)]
    cuts = ([0] if start == 0 else []) + cuts + ([len(text)] if stop == len(text) else [])
    near = [(low, high) for low, high in facts if low < stop and high > start]
    for low, high in itertools.pairwise(cuts):
        if not any(low < fact_high and fact_low < high for fact_low, fact_high in near):
            yield text[low:high].strip()
