"""The card of a data set folder: README.md as the Hugging Face hub reads it, for its viewer and for `load_dataset`.

Configurations are lengths, splits are tasks; each configuration has its columns with their types, read from the schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from .layout import schema_of
from .plan import Plan

#: What the card calls the folder, until it has a name on the hub.
FOLDER = "FOLDER"
#: Sizes as the hub has them: rows below each, and what is said of it.
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
_LARGEST = "10M<n<100M"


def card(plan: Plan, store: str, rows: int) -> str:
    """The text of README.md for the data set of `plan`, which has so many `rows`."""
    from jinja2 import Environment

    template = (Path(__file__).parent / "data" / "card.md.jinja").read_text(encoding="utf-8")
    tasks = {name: (type(task).__doc__ or "").strip().splitlines()[0] for name, task in plan.tasks.items()}
    environment = Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    return environment.from_string(template).render(
        lengths=[length.label for length in plan.lengths.values()],
        tasks=tasks,
        plan=plan.identity(),
        store=store,
        folder=FOLDER,
        features=list(_features(schema_of(store))),
        size=next((said for bound, said in _SIZES if rows < bound), _LARGEST),
    )


def named(text: str, name: str) -> str:
    """A card's `text` for a data set that is called `name` on the hub."""
    return text.replace(f'"{FOLDER}"', f'"{name}"')


def _features(fields: pa.Schema | pa.StructType, indent: str = "  ") -> Iterator[str]:
    """The columns as lines of YAML, as `datasets.Features` writes them."""
    for field in fields:
        yield f"{indent}- name: {field.name}"
        if pa.types.is_list(field.type):
            inner = field.type.value_type
            if pa.types.is_struct(inner):
                yield f"{indent}  list:"
                yield from _features(inner, f"{indent}  ")
            else:
                yield f"{indent}  list: {_dtype(inner)}"
        else:
            yield f"{indent}  dtype: {_dtype(field.type)}"


def _dtype(kind: pa.DataType) -> str:
    """What `datasets` calls an Arrow type: as Arrow does, save for these."""
    return {"double": "float64", "float": "float32"}.get(str(kind), str(kind))
