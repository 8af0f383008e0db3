import itertools

import pytest
import torch

from rmt_bench.base.errors import UserError
from rmt_bench.bench.model import likeliest
from rmt_bench.bench.models.choosing import AnswerTokens, choice_log_likelihoods, text_log_likelihoods

_VOCABULARY = 7


class _Bigrams:
    """A language model that looks at one token back, and counts how often it is asked to continue."""

    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        self.table = torch.randn(_VOCABULARY, _VOCABULARY, generator=generator, dtype=torch.float64)
        self.asked: list[int] = []

    def first(self, last_tokens):
        return self.table[torch.tensor(last_tokens)]

    def continued(self, rows, tokens):
        self.asked.append(len(rows))
        return self.table[tokens]

    def likelihood(self, last_token, choice):
        chain = [last_token, *choice]
        return sum(float(self.table[a].log_softmax(0)[b]) for a, b in itertools.pairwise(chain))


def _tokens(*choices):
    return [[torch.tensor(choice) for choice in row] for row in choices]


def test_a_choice_is_as_likely_as_the_product_of_its_tokens():
    model, last = _Bigrams(), [3, 5]
    choices = [[[1], [2, 4], [6, 6, 1]], [[2, 4], [0], [3, 3]]]
    scores = choice_log_likelihoods(model.first(last), model.continued, _tokens(*choices))
    wanted = [[model.likelihood(last[row], choice) for choice in mine] for row, mine in enumerate(choices)]
    torch.testing.assert_close(scores, torch.tensor(wanted, dtype=torch.float64), rtol=0, atol=1e-12)


def test_single_tokens_take_no_continuation_and_longer_ones_as_many_at_a_time_as_there_are_prompts():
    model = _Bigrams()
    choice_log_likelihoods(model.first([3, 5]), model.continued, _tokens([[1], [2]], [[0], [4]]))
    assert model.asked == []
    choice_log_likelihoods(model.first([3, 5]), model.continued, _tokens([[1, 2], [2, 1], [3, 3]], [[0, 1], [4], [5]]))
    assert model.asked == [2, 2]


def test_a_row_with_fewer_choices_never_answers_with_one_that_it_lacks():
    model = _Bigrams()
    scores = choice_log_likelihoods(model.first([3, 5]), model.continued, _tokens([[1]], [[2], [4], [6]]))
    assert scores.isneginf().tolist() == [[False, True, True], [False, False, False]]
    assert likeliest(scores, [["one"], ["two", "four", "six"]])[0].text == "one"


def test_the_mean_over_tokens_is_the_sum_divided_by_their_number():
    model, choices = _Bigrams(), _tokens([[1], [2, 4], [6, 6, 1]])
    total, mean = (choice_log_likelihoods(model.first([3]), model.continued, choices, flag) for flag in (False, True))
    torch.testing.assert_close(mean * torch.tensor([[1, 2, 3]]), total)


def test_half_precision_logits_are_summed_in_single_precision():
    logits = torch.tensor([[20.0, 20.0, 0.0]], dtype=torch.bfloat16)
    scores = choice_log_likelihoods(logits, _Bigrams().continued, _tokens([[0], [1]]))
    assert scores.dtype == torch.float32
    torch.testing.assert_close(scores, torch.full((1, 2), -0.6931472))


def test_gradients_reach_the_logits():
    model = _Bigrams()
    model.table.requires_grad_()
    choice_log_likelihoods(model.first([3]), model.continued, _tokens([[1], [2, 4]]))[0, 1].backward()
    touched = model.table.grad.abs().sum(1) > 0
    assert touched.nonzero().flatten().tolist() == [2, 3]


def test_an_answer_is_written_as_the_next_word_or_alone_behind_a_prefix(byte_bpe):
    spaced, alone = AnswerTokens(byte_bpe), AnswerTokens(byte_bpe, "Answer:", space=False)
    assert byte_bpe.decode(spaced.rows([["garden"]])[0][0]) == " garden"
    assert byte_bpe.decode(alone.rows([["garden"]])[0][0]) == "garden"
    assert byte_bpe.decode(alone.prefix) == "Answer:"
    assert len(spaced.prefix) == 0


def test_a_choice_without_a_token_is_refused(byte_bpe):
    with pytest.raises(UserError, match="the choice '' has no token"):
        AnswerTokens(byte_bpe, space=False).rows([[""]])


def test_a_text_is_what_would_be_said_only_if_each_of_its_tokens_is_the_likeliest():
    model, last = _Bigrams(), 3
    said = [int(model.table[last].argmax())]
    for _ in range(2):
        said.append(int(model.table[said[-1]].argmax()))
    other = [*said[:-1], (said[-1] + 1) % _VOCABULARY]
    texts = [said[:1], said, other, [(said[0] + 1) % _VOCABULARY, *said[1:]]]
    (rated,) = text_log_likelihoods(model.first([last]), model.continued, _tokens(texts))
    assert [greedy for _, greedy in rated] == [True, True, False, False]
    assert [value for value, _ in rated] == pytest.approx([model.likelihood(last, text) for text in texts])
