import itertools
import re
import statistics
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from rmt_bench.generators import prose_background
from rmt_bench.generators.prose import Prose
from rmt_bench.generators.prose_background import FIRST_VOLUMES, VOLUME_SENTENCES, ProseBackground
from rmt_bench.generators.prose_grammar import (
    DATA,
    compile_grammar,
    inflect_noun,
    inflect_verb,
    load_grammar,
    with_article,
)
from rmt_bench.tasks.babi.cast import FRESH
from rmt_bench.tasks.lexicon import OFFICIAL, collision_pattern, collisions

TOY = {
    "nouns": {"thing": "lamp, loaf/loaves", "town": "Harrow"},
    "described": {"thing": "look"},
    "verbs": {"take": "take/took/taken, carry"},
    "words": {"look": "old, new"},
    "phrases": {"act": ["{take.*} {a ~thing}"]},
    "personas": {
        "one": {
            "trade": ["cook"],
            "name": ["the {trade}"],
            "title": ["the cook of {town}"],
            "epithet": ["the stranger"],
            "pronouns": "she her her herself was",
        }
    },
    "friends": ["one"],
    "setting": {"here": ["there"], "spot": ["near"], "prize": ["it"]},
    "asides": [],
    "topics": [{"persona": "one", "share": 1, "opening": "all", "body": {"all": 1}}],
    "frames": {"all": [f"{{hero}} {{act.ed}} {number}." for number in range(9)]},
}


def toy(**parts):
    return {**TOY, **parts}


def with_frame(text):
    return toy(frames={"all": [*TOY["frames"]["all"], text]})


@pytest.fixture(scope="module")
def sentences():
    rng = np.random.default_rng(11)
    return list(itertools.islice(itertools.chain.from_iterable(Prose().paragraphs(rng)), 100_000))


def test_the_grammar_has_its_words_and_frames():
    grammar = load_grammar()
    assert len({lemma for lemmas in grammar.words.values() for lemma in lemmas}) >= 1_500
    assert len({frame.text for frame in grammar.frames}) >= 150


def test_every_class_and_phrase_is_used():
    text = DATA.read_text(encoding="utf-8")
    used = set(re.findall(r"\{(?:a )?~?(\w+)", text)) | set(re.findall(r'"\w+": "(\w+)"', text))
    assert set(load_grammar().words) <= used


def test_the_same_seed_gives_the_same_text_and_another_one_does_not():
    first, again, other = (list(itertools.islice(Prose().paragraphs(np.random.default_rng(s)), 20)) for s in (1, 1, 2))
    assert first == again
    assert first != other


def test_paragraphs_have_3_to_9_sentences_none_of_one_frame_twice():
    sizes = Counter()
    for paragraph in itertools.islice(Prose().framed(np.random.default_rng(3)), 2_000):
        sizes[len(paragraph)] += 1
        assert len({frame.text for frame, _ in paragraph}) == len(paragraph)
    assert set(sizes) == set(range(3, 10))


def test_sentences_begin_with_a_capital_and_end_as_sentences_do(sentences):
    wrong = [
        s for s in sentences if not re.fullmatch(r"\"?[A-Z][^\n{}\[\]|]*[^\s,;:][.?!]", s) or "  " in s or " ," in s
    ]
    assert not wrong


def test_sentences_are_as_long_as_in_a_novel(sentences):
    words = [len(sentence.split()) for sentence in sentences]
    assert min(words) >= 3
    assert max(words) <= 40
    assert 13 <= statistics.mean(words) <= 17
    assert statistics.stdev(words) >= 6
    assert sum(count <= 6 for count in words) > 0.05 * len(words)
    assert sum(count >= 30 for count in words) > 0.03 * len(words)


def test_articles_fit_what_they_stand_before(sentences):
    text = " ".join(sentences)
    assert not re.findall(r"\b[Aa] (?!ewe|one-|use|uni[^nm])[aeiou]\w*", text)
    assert not re.findall(r"\b[Aa]n (?![aeiou]|hour|honest)\w+", text)


def test_no_word_of_the_tasks_occurs(sentences):
    assert collisions("\n".join(sentences), OFFICIAL) == []


def test_hardly_a_sentence_is_lost_to_fresh_words(sentences):
    fresh = {
        word.lower() for half in FRESH.values() for role in half.values() for name in role for word in name.split()
    }
    collide = collision_pattern(frozenset(fresh - {"of"})).search
    assert sum(collide(sentence) is not None for sentence in sentences[:20_000]) < 200


def test_no_sentence_has_the_shape_of_a_tasks_fact(sentences):
    fact = re.compile(
        r"\b(?:north|south|east|west) of\b|^[A-Z]\w+ (?:went|journeyed|travelled|moved)(?: back)? to the \w+\.$"
    )
    assert not [sentence for sentence in sentences if fact.search(sentence)]


def test_hardly_a_sentence_comes_twice_in_ten_thousand(sentences):
    for start in range(0, len(sentences), 10_000):
        assert len(set(sentences[start : start + 10_000])) > 9_900


def test_twenty_thousand_sentences_take_less_than_a_second():
    def seconds() -> float:
        stream = itertools.chain.from_iterable(Prose().paragraphs(np.random.default_rng(5)))
        start = time.perf_counter()
        assert len(list(itertools.islice(stream, 20_000))) == 20_000
        return time.perf_counter() - start

    assert min(seconds() for _ in range(3)) < 1


def test_a_hero_keeps_its_pronoun():
    men = [topic for topic in load_grammar().topics if topic.persona.pronouns[0] == "he"]
    women = [topic for topic in load_grammar().topics if topic.persona.pronouns[0] == "she"]
    assert men
    assert women
    for paragraph in itertools.islice(Prose().framed(np.random.default_rng(7)), 3_000):
        told = [text for frame, text in paragraph if re.fullmatch(r"\{hero\} \{short\.ed\}\.", frame.text)]
        pronouns = {re.match(r"She|He|It|They", text)[0] for text in told if re.match(r"(She|He|It|They)\b", text)}
        assert len(pronouns) <= 1


@pytest.mark.parametrize(
    ("noun", "many"),
    [
        ("lamp", "lamps"),
        ("box", "boxes"),
        ("church", "churches"),
        ("fly", "flies"),
        ("key", "keys"),
        ("loaf/loaves", "loaves"),
    ],
)
def test_nouns_have_a_plural(noun, many):
    assert inflect_noun(noun)["s"] == many


@pytest.mark.parametrize(
    ("verb", "s", "ed", "en", "ing"),
    [
        ("walk", "walks", "walked", "walked", "walking"),
        ("carry", "carries", "carried", "carried", "carrying"),
        ("stare", "stares", "stared", "stared", "staring"),
        ("tie", "ties", "tied", "tied", "tying"),
        ("agree", "agrees", "agreed", "agreed", "agreeing"),
        ("drop/dropped", "drops", "dropped", "dropped", "dropping"),
        ("take off/took off/taken off", "takes off", "took off", "taken off", "taking off"),
        ("run/ran/run/running", "runs", "ran", "run", "running"),
    ],
)
def test_verbs_have_their_forms(verb, s, ed, en, ing):
    forms = inflect_verb(verb)
    assert (forms["s"], forms["ed"], forms["en"], forms["ing"]) == (s, ed, en, ing)


def test_the_article_goes_by_the_sound():
    words = ("apple tree", "hour", "honest man", "unicorn", "umbrella", "house", "one-eyed dog", "unusual day")
    assert [with_article(word).split()[0] for word in words] == ["an", "an", "an", "a", "an", "a", "a", "an"]


def test_a_toy_grammar_compiles():
    assert len(compile_grammar(TOY).frames) == 9


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (with_frame("{hero} {dance.ed}."), r"nothing fills \{dance.ed\}.*all: '\{hero\} \{dance.ed\}\.'"),
        (with_frame("{hero} {take.er} it."), r"nothing fills \{take.er\}"),
        (with_frame("{hero} {take.ed} [it."), "brackets do not match in all: "),
        (with_frame("{hero} {take.ed} it]."), "brackets do not match in all: "),
        (with_frame("{hero} {take.ed} {two words}."), r"\{two words\} is no slot, in all"),
        (with_frame("{hero} {take.ed} {~town}."), "'town' has no adjectives, in all"),
        (toy(words={"look": " "}), "the class 'look' has no words"),
        (toy(words={"look": "old", "act": "do"}), "'act' is defined twice"),
        (toy(words={"look": "old", "hero": "Max"}), "'hero' is defined twice"),
        (toy(phrases={"act": []}), "the phrase 'act' is empty, in all: "),
        (toy(phrases={"act": ["{take.*}, {act.*}"]}), "the phrase 'act' contains itself, in "),
        (toy(frames={"all": TOY["frames"]["all"][:8] * 2}), "'all' has 8 frames; a paragraph may ask for 9"),
        (
            toy(topics=[{**TOY["topics"][0], "opening": "none"}]),
            r"the topic of 'one' asks for unknown frames: \['none'\]",
        ),
        (toy(asides=["rain"]), r"unknown frames are called asides: \['rain'\]"),
    ],
)
def test_a_fault_in_the_data_is_named(data, message):
    with pytest.raises(ValueError, match=message):
        compile_grammar(data)


def test_a_volume_depends_on_nothing_but_its_number_and_split():
    background = ProseBackground()
    first = list(itertools.islice(background.sentences(3, "test"), 50))
    assert first == list(itertools.islice(ProseBackground().sentences(3, "test"), 50))
    assert first != list(itertools.islice(background.sentences(4, "test"), 50))
    assert first != list(itertools.islice(background.sentences(3, "train"), 50))
    assert sum(1 for _ in background.sentences(0, "train")) == VOLUME_SENTENCES
    assert background.first_volumes == FIRST_VOLUMES


def test_train_and_test_share_hardly_a_sentence():
    test, train = (set(ProseBackground().sentences(0, split)) for split in ("test", "train"))
    assert len(test & train) < 0.01 * VOLUME_SENTENCES


def test_the_fingerprint_depends_on_words_and_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    before = ProseBackground().fingerprint
    assert before == ProseBackground().fingerprint
    for source in prose_background.SOURCES:
        changed = tmp_path / source.name
        changed.write_bytes(source.read_bytes() + b"\n")
        sources = tuple(changed if path == source else path for path in prose_background.SOURCES)
        with monkeypatch.context() as patch:
            patch.setattr(prose_background, "SOURCES", sources)
            assert ProseBackground().fingerprint != before
