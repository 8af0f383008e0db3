"""Make docs/tasks.md, the page of all tasks: `python scripts/make_tasks_page.py [--episodes 4000]`. A minute or two.

Every task with its knobs, what can be had without reading, and one sample in filler, its facts marked.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Iterator
from pathlib import Path

from made import made_on
from ruler_table import ruler_table

from rmt_bench.generators.background import load_background
from rmt_bench.generators.lengths import Length
from rmt_bench.generators.samples import Sample, Source
from rmt_bench.generators.tokens import load_tokenizer
from rmt_bench.tasks.episode import Task
from rmt_bench.tasks.priors import priors
from rmt_bench.tasks.registry import TASKS, load_task, settings
from rmt_bench.tasks.suites import SUITES

PAGE = Path(__file__).parents[1] / "docs/tasks.md"
#: Tokens of filler in a sample; characters of a stretch of filler, and facts, that are shown; the longest answer list.
_FILLER, _STRETCH, _FACTS, _CHOICES = 120, 160, 10, 12
#: Stories in which RULER's properties are counted.
_COUNTED = 200

HEAD = """# The tasks

Made by `python scripts/make_tasks_page.py` on {made_on}: what is on this page is what the code does.

Facts that the answer follows from are **bold**, other facts _italic_; all else is filler (`--background prose`).
Samples are number 0 of seed 0, {filler} tokens longer than their facts. **Chance** is a uniform guess among the
answers that the question allows; the **commonest** answer and the best guess from the **question alone** are measured
on {episodes} stories: an accuracy means little below the highest of the three. Where choices differ from story to
story, the commonest answer says nothing. Knobs are set with `--task-arg KEY=VALUE`.

`mode=generate` leaves the choices out: the answer is then free text, chance is 0, and a list is judged as a set of its
items. `language=de` asks qa1 and detect in German (`tasks/data/de.json`; adding a language is adding such a file). For
every task, `--distractors` and `--style match` hide the facts among their like.
"""

RULER = """## RULER, theirs and ours

The thirteen configurations of [RULER](https://arxiv.org/abs/2404.06654). Theirs: `scripts/synthetic.yaml` of its
repository and the generators that this names. Ours: counted in {episodes} stories of each by `python
scripts/ruler_table.py`, with the knobs as they are.

{table}

What differs, and why:

- In RULER the number of needles or words grows with the length. Here it is a knob, and filler does the rest, so that
  all lengths tell the same story; with `--distractors 60` the filler is needles, too, as many as fit nine tenths of it.
- RULER's repeated line names the colours of grass, sky and sun, which are answers of qa16; ours names none.
- Words are those {words} that no filler holds; keys are two of them (`Alaric's bagel`); rows of a word list stand
  anywhere in the text. RULER's vocabulary for frequent words has one word for every fifty tokens.
- How often a word comes is rounded down, there as here, which is why the fitted exponent is a little above 2.
- A list counts as right when all of it is named and nothing else; RULER counts the share that is named.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=4_000, help="stories that priors are measured on")
    parser.add_argument("--output", type=Path, default=PAGE)
    options = parser.parse_args()
    source = Source(load_background("prose"), load_tokenizer())
    parts = [HEAD.format(made_on=made_on(), filler=_FILLER, episodes=f"{options.episodes:,}"), _suites()]
    parts += [_section(source, name, options.episodes) for name in TASKS.names()]
    words = len(load_task("cwe").labels)
    parts.append(RULER.format(table=ruler_table(_COUNTED), episodes=_COUNTED, words=words))
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text("\n".join(parts), encoding="utf-8")


def _suites() -> str:
    rows = [f"| `{name}` | {what} | {', '.join(tasks)} |" for name, (what, tasks) in SUITES.items()]
    return "\n".join(["## Suites", "", "| `--tasks` | what it is | tasks |", "|---|---|---|", *rows, ""])


def _section(source: Source, name: str, episodes: int) -> str:
    task = load_task(name)
    said = inspect.cleandoc(type(task).__doc__ or "")
    found = priors(task, episodes)
    shares = f"{found.chance:.3g} | {found.majority:.3f} | {found.question_only:.3f}"
    return (
        f"## `{name}`\n\n{said}\n\n"
        f"| chance | commonest | question alone | placement | knobs |\n|---|---|---|---|---|\n"
        f"| {shares} | {task.placement} | {_knobs(name) or 'none'} |\n\n{_worked(source, name, task)}\n"
    )


def _knobs(name: str) -> str:
    return ", ".join(f"`{knob}={value}`" for knob, value in settings(name).items())


def _worked(source: Source, name: str, task: Task) -> str:
    bare = source.samples(name, task, Length("0", tokens=0), 0)[0]
    samples = source.samples(name, task, Length("", tokens=bare.n_tokens + _FILLER), 0)
    asked = "\n>\n".join(f"> {sample.question} → **{sample.answer}**" for sample in samples)
    choices = samples[0].choices
    listed = ", ".join(choices[:_CHOICES]) + (f" … ({len(choices)} in all)" if len(choices) > _CHOICES else "")
    return f"> {' '.join(_marked(samples[0]))}\n>\n{asked}\n\nChoices: {listed}.\n"


def _marked(sample: Sample) -> Iterator[str]:
    """The text, its facts marked; long stretches of filler, and all but some facts, are left out."""
    text, end, hidden = sample.text, 0, 0
    shown = set(range(len(sample.facts)))
    if len(shown) > _FACTS:
        telling = [i for i in shown if sample.facts[i].supporting]
        shown = {0, 1, 2, 3, *telling[:4], len(sample.facts) - 1}
    for i, fact in enumerate(sample.facts):
        if i not in shown:
            hidden += 1
        else:
            if hidden:
                yield f"[… facts left out: {hidden} …]"
            elif stretch := text[end : fact.char_start].strip():
                yield _short(stretch)
            hidden = 0
            yield f"**{fact.text}**" if fact.supporting else f"_{fact.text}_"
        end = fact.char_end
    if stretch := text[end:].strip():
        yield _short(stretch)


def _short(stretch: str) -> str:
    return (
        stretch
        if len(stretch) <= _STRETCH
        else f"{stretch[:90].rsplit(' ', 1)[0]} […] {stretch[-60:].split(' ', 1)[1]}"
    )


if __name__ == "__main__":
    main()
