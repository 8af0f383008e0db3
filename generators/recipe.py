"""Recipes: data sets without their texts, which are rendered again from the plan and checked against their hashes.

A recipe's manifest holds the call that made its plan. A sample is a pure function of that, so nothing more is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from ..base.engine import Engine, run
from ..base.errors import IncompleteError, UserError
from .dataset import Dataset, generate_dataset
from .generate import make_plan
from .haystack import Haystack
from .layout import describe
from .plan import Plan
from .rows import read_rows
from .samples import Sample
from .tokens import load_tokenizer

_WHERE = "--background, --tokenizer, or --facts"
#: What a user may say of a plan that cannot be made again, by the part of it that differs.
_REMEDIES = {
    "background_fingerprint": "--background PATH_OR_NAME",
    "background": "--background PATH_OR_NAME",
    "tokenizer_fingerprint": "--tokenizer FOLDER_OR_NAME",
    "tasks": "--facts babi:PATH, where the stories are the official ones",
}


def plan_again(
    folder: Path,
    manifest: dict[str, Any],
    *,
    background: str | None = None,
    tokenizer: str | None = None,
    facts: str | None = None,
) -> Plan:
    """The plan that a recipe was made by; what is given says where background, tokenizer and stories lie now.

    Raises `UserError`, naming what to give, when one of them is not at hand or is not the one it was.
    """
    given = {"background": background, "tokenizer": tokenizer, "facts": facts}
    call = {**manifest["recipe"], **{name: value for name, value in given.items() if value}}
    try:
        plan = make_plan(**{**call, "tokenizer": load_tokenizer(call["tokenizer"])})
    except UserError as error:
        raise UserError(f"{folder} cannot be rendered: {error}; say where it lies now: {_WHERE}") from error
    before, now = manifest["plan"], describe(plan)
    if before["generator_version"] != now["generator_version"]:
        made = manifest["versions"]["rmt-bench"]
        raise UserError(f"{folder} was made by another generator: pip install rmt-bench=={made}, or generate it again")
    for part in before:
        if before[part] != now.get(part):
            remedy = _REMEDIES.get(part, "generate it again")
            raise UserError(f"{folder} cannot be rendered: its {part.replace('_', ' ')} is another one now; {remedy}")
    return plan


def render(plan: Plan, folder: Path, rows: Iterable[dict[str, Any]]) -> Iterator[Sample]:
    """The samples of a recipe's rows, each with its text in reach. Raises `UserError` where one is not what it was."""
    for (task, length, index), group in groupby(rows, lambda row: (row["task"], row["length"], row["index"])):
        made = {s.id: s for s in plan.source.samples(task, plan.tasks[task], plan.lengths[length], index)}
        hashes: dict[str, str] = {}
        for row in group:
            sample = made.get(row["id"])
            if sample is not None and sample.haystack_id not in hashes:
                assert isinstance(sample.document, Haystack)
                hashes[sample.haystack_id] = sample.document.sha256()
            if sample is None or hashes[sample.haystack_id] != row["input_sha256"]:
                which = f"sample {index} of {task} at {length}"
                raise UserError(f"{folder}: the text of {which} is not the one that was hashed; generate it again")
            yield sample


def materialize(
    data: Dataset,
    output: str | Path,
    progress: Callable[[str, int], None] = lambda file, tokens: None,
    engine: Engine | None = None,
) -> Path:
    """Write the data set of a recipe with its texts: the bytes that `--store text` would have written.

    Every text is then read back and compared with its hash. Raises `UserError` when `data` has its texts already, and
    `IncompleteError` naming the files where a text is not what it was.
    """
    if data.store != "recipe":
        raise UserError(f"{data.folder} holds its texts already: copy it, or evaluate it as it is")
    folder = generate_dataset(data.plan, output, progress, store="text", engine=engine)
    checked = run(partial(_same_texts, data.folder.resolve(), folder.resolve()), list(data.manifest["files"]), engine)
    if wrong := sorted(path for path, same in checked if not same):
        raise IncompleteError(f"not the texts that were hashed: {', '.join(wrong)}; generate {data.folder} again")
    return folder


def _same_texts(recipe: Path, folder: Path, path: str) -> bool:
    pairs = zip(read_rows(recipe / path), read_rows(folder / path), strict=True)
    return all(one["input_sha256"] == hashlib.sha256(other["input"].encode()).hexdigest() for one, other in pairs)
