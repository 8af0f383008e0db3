"""Train the embedded tokenizer: byte-level BPE on the background `prose` and the sentences of the tasks.

    python scripts/train_tokenizer.py                      writes generators/data/tokenizer.json
    python scripts/train_tokenizer.py --output FILE        writes FILE instead

The same checkout gives the same file, byte for byte. Every official name, place, object and answer is one token, with
a space before it and, where it begins a sentence, without; the script fails (exit code 1) where that does not hold.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from rmt_bench.base.files import write_text
from rmt_bench.generators.prose_background import ProseBackground
from rmt_bench.generators.tokens import EMBEDDED
from rmt_bench.tasks.babi.language import COUNTS, FACTS, OPPOSITE, QUESTIONS, TIMES, article, fill
from rmt_bench.tasks.lexicon import OFFICIAL, PLACES
from rmt_bench.tasks.memory import MOVES, Detect, Memorize, Reasoning

VOCABULARY = 4096
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PEOPLE = tuple(
    """
    Daniel John Mary Sandra Bill Fred Jeff Julie Bernhard Brian Greg Julius Lily Emily Gertrude Jessica Winona
    Antoine Jason Sumit Yann
    """.split()
)
ANIMALS = ("cats", "mice", "sheep", "wolves")
#: What is one token after a space, and what is one at the start of a text too.
AFTER_SPACE = tuple(sorted({*OFFICIAL, *PEOPLE, *COUNTS, *OPPOSITE, "yes", "no", "maybe", "unknown"}))
AT_START = tuple(sorted({*PEOPLE, *(animal.capitalize() for animal in ANIMALS)}))

#: Plain words of English that the filler's grammar has little use for; a text from elsewhere is full of them.
COMMON = """
    a able about above account across action after again against age ago air all almost alone along already also am
    among an and another answer any anything appear appeared are around as asked at away back bad be became because
    become been before being best better between beyond body both boy business but by call called came can cannot
    case certain certainly change child children city close coming common company could course cried dark day days
    dead dear death deep did different distance do does doing done down each either else enemy enough ever every
    everybody everyone everything expected expression eyes face fact family far feel feeling felt few first force
    form forward found free friend friends from front full further gave general gentleman girl give given go god
    going gone good got great ground had half happened happy hard has have he head heard heart help her here herself
    high him himself his home horses how however hundred husband idea if immediately important impossible in indeed
    instead interest into is it its itself just kind king knew know known lady large leave left less let life light
    like little live long longer looking lost love made make making man manner many matter may me mean means men
    might mind moment money more morning most mr mrs much must my myself name nature near necessary need neither
    never new news nor not nothing now number object of off often oh old on once only open opinion opposite or order
    orders other others ought our out over own part passed people perhaps person picture place pleasure point poor
    position possible power present probably question quite rather ready real reason remained right round room same
    saw say saying says second see seem seemed seems seen self sent set several shall she should show side sight
    silent simply since sir situation small society some someone something sometimes soon sort sound speak state
    states still strange strength subject such suddenly sure surprise table take taken taking talk tell than that
    the their them themselves then there therefore these they thing things think third this those though thought
    thousand through thus till time to together told tone too took top toward towards true truth try turned turning
    under understand understood until up upon us use used various very view voice want war was water way we well
    went were what whatever when where whether which while who whole whom whose why wife will wish with within
    without woman women won word words work world would year years yet you young your yourself And But You They What
    That This If So No Not My We Then There When How His Her For In All Do Why Who Where On To Of Mr Mrs Sir O Oh
""".split()

#: Digits, marks and endings that the grammar does not write; the first ones stand after a space as well.
_AFTER_SPACE_TOO = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "“", "‘", "—", "(")
_MARKS = tuple("“ ” ’ — … .” ,” ?” !” ’s 's 't 'll 're 've -- ); ), ).".split())

#: Words, digits one by one, marks, white space; a space belongs to what follows it.
_PIECES = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_VOLUMES = 4
#: How often each official word is shown beside the tasks' sentences, and how many of those each frame gives.
_WEIGHT = 400
_COMMON_WEIGHT = 200
_FILLED = 60
_SLOTS: dict[str, Sequence[str]] = {
    "actor": PEOPLE,
    "other": PEOPLE,
    "name": PEOPLE,
    "place": (*PLACES, "cinema", "park", "school"),
    "place2": PLACES,
    "landmark": PLACES,
    "object": ("apple", "football", "milk", "pajamas"),
    "direction": tuple(OPPOSITE),
    "animals": ANIMALS,
    "feared": ANIMALS,
    "animal": ("frog", "lion", "rhino", "swan", "cat", "mouse", "sheep", "wolf"),
    "color": ("gray", "green", "white", "yellow"),
    "shape": ("blue square", "pink rectangle", "red sphere", "red square", "triangle", "yellow square"),
    "large": ("box", "box of chocolates", "chest", "chocolate", "container", "suitcase"),
    "time": TIMES,
    "he": ("he", "she"),
}
_SLOTS |= {"shape2": _SLOTS["shape"], **dict.fromkeys(("small", "first", "second"), _SLOTS["large"])}


def train() -> Tokenizer:
    """The tokenizer, trained."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts(), trainer)
    return tokenizer


def texts() -> Iterator[str]:
    """What it is trained on: filler of the training split, the tasks' sentences, and the official words again."""
    background = ProseBackground()
    for volume in range(_VOLUMES):
        yield from (f" {sentence}" for sentence in background.sentences(volume, "train"))
    rng = np.random.default_rng(0)
    yield from (f" {sentence}" for sentence in task_sentences(rng))
    for _ in range(_WEIGHT):
        yield from (f" {word}" for word in AFTER_SPACE)
        yield from AT_START
    for _ in range(_COMMON_WEIGHT):
        yield from (f" {word}" for word in (*COMMON, *_AFTER_SPACE_TOO))
        yield from _MARKS


def task_sentences(rng: np.random.Generator) -> Iterator[str]:
    """Facts and questions of the report's three tasks and of bAbI, with official words."""

    def pick(options: Sequence[str]) -> str:
        return options[int(rng.integers(len(options)))]

    for frame in itertools.chain.from_iterable([*FACTS.values(), *QUESTIONS.values()]):
        names: list[str] = re.findall(r"\{(\w+)\}", frame)
        for _ in range(_FILLED):
            slots = {name: pick(_SLOTS[name]) for name in names if name != "a"}
            yield fill(frame, {"a": article(slots.get("animal", "word")), **slots})
    for task in (Memorize(), Detect(), Reasoning()):
        for _ in range(_FILLED * len(MOVES)):
            episode = task.episode(rng)
            yield from episode.facts
            yield from (question.text for question in episode.questions)


def broken(tokenizer: Tokenizer) -> list[str]:
    """The words that should be one token and are not, and whatever else is wrong."""
    forms = [f" {word}" for word in AFTER_SPACE] + list(AT_START)
    wrong = [form for form in forms if len(tokenizer.encode(form).ids) != 1]
    if [tokenizer.token_to_id(name) for name in SPECIAL] != list(range(len(SPECIAL))):
        wrong.append("the special tokens do not come first")
    if tokenizer.get_vocab_size() != VOCABULARY:
        wrong.append(f"the vocabulary has {tokenizer.get_vocab_size()} tokens, not {VOCABULARY}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=EMBEDDED)
    output = parser.parse_args().output
    tokenizer = train()
    if wrong := broken(tokenizer):
        print("not written; should be one token each:", ", ".join(map(repr, wrong)), file=sys.stderr)
        return 1
    write_text(output, tokenizer.to_str(pretty=True) + "\n")
    print(f"{output}: {tokenizer.get_vocab_size()} tokens")
    return 0


if __name__ == "__main__":
    sys.exit(main())
