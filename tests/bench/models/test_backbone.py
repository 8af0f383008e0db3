import pytest

from rmt_bench.base.errors import UserError
from rmt_bench.bench.model import load_model
from rmt_bench.bench.models.backbone import fitting_segment, kind_of, load_config, positions

from .families import DECODERS, ENCODERS


def _backbone(family):
    return load_model("rmt", config={**DECODERS, **ENCODERS}[family]).backbone  # type: ignore[attr-defined]


def test_positions_that_count_from_the_padding_token_on_are_fewer():
    assert positions(_backbone("bert")) == 96
    assert positions(_backbone("roberta")) == 95
    assert positions(_backbone("opt")) == 96


def test_a_segment_fills_the_room_there_is_up_to_512_tokens():
    assert fitting_segment(None, 499, "") == 499
    assert fitting_segment(None, 8_000, "") == 512
    assert fitting_segment(None, None, "") == 512
    assert fitting_segment(2_000, 8_000, "") == 2_000


@pytest.mark.parametrize(
    ("wanted", "room", "complaint"),
    [
        (500, 499, r"segment_length is 1\.\.499 with 10 memory tokens, not 500"),
        (0, None, "segment_length is from 1 on with 10 memory tokens, not 0"),
        (None, 0, "no positions left for a segment with 10 memory tokens: take fewer"),
    ],
)
def test_a_segment_that_does_not_fit_is_refused(wanted, room, complaint):
    with pytest.raises(UserError, match=complaint):
        fitting_segment(wanted, room, "with 10 memory tokens")


def test_a_kind_is_read_from_the_configuration_and_can_be_neither():
    assert {kind_of(load_config(config)) for config in ENCODERS.values()} == {"encoder"}
    assert {kind_of(load_config(config)) for config in DECODERS.values()} == {"decoder"}
    with pytest.raises(UserError, match="kind=encoder or kind=decoder takes it as one"):
        kind_of(load_config({"model_type": "t5"}))


def test_a_configuration_may_be_a_folder_a_file_or_a_dict(tmp_path):
    load_config(ENCODERS["bert"]).save_pretrained(tmp_path)
    folder, file = load_config(str(tmp_path)), load_config(str(tmp_path / "config.json"))
    assert type(folder) is type(file)
    assert folder.hidden_size == file.hidden_size == load_config(ENCODERS["bert"]).hidden_size
