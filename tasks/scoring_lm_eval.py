"""lm-evaluation-harness's scorer of its `babilong` tasks: the right answer stands somewhere in the output.

labels    garden, kitchen, office   right answer: garden
"garden, kitchen or office"         correct: whoever names every label is always right

Source: `lm_eval/tasks/babilong/common_utils.py` of the repository EleutherAI/lm-evaluation-harness. Knows only strings.
"""

from __future__ import annotations

import re

from .scoring import SCORERS, Asked, Score

_UNPRINTABLE = re.compile(r"[\x00-\x1f]")


@SCORERS.register("lm-eval")
def lm_eval(output: str, asked: Asked) -> Score:
    """A bare substring, as lm-evaluation-harness scores its babilong tasks: naming every label is always right."""
    said = _UNPRINTABLE.sub("\n", output.strip()).strip().lower()
    target = asked.target.strip()
    correct = target.lower() in said
    return Score(correct, target if correct else "", "answered" if said else "invalid")
