"""Scripts of texts, and the warning where a model does not know them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from shopkeeper.errors import ConfigError
from shopkeeper.features.text.scripts import count_scripts

TEXTS = pa.array(["Red dress", "红色连衣裙", "платье Dior", "ドレス dress", "123", "ተዋ"], pa.large_string())


def test_letters_are_counted_by_script_and_the_rest_together() -> None:
    found = count_scripts(pa.array(["ab 红色裙 12!", "ተ"], pa.large_string()), None)
    assert found.shares == pytest.approx({"Han": 3 / 6, "Latin": 2 / 6, "other": 1 / 6})
    assert not found.foreign.any()
    assert found.warning("any") is None


def test_a_text_is_foreign_where_most_of_its_letters_are() -> None:
    found = count_scripts(TEXTS, {"Latin"})
    assert found.foreign.tolist() == [False, True, True, False, False, True]
    warning = found.warning("minilm")
    assert warning is not None
    assert warning.startswith("50% of the texts")
    assert "'minilm'" in warning
    assert "Han" in warning


def test_a_model_that_knows_them_gets_no_warning() -> None:
    found = count_scripts(TEXTS.slice(0, 5), {"Latin", "Han", "Cyrillic", "Katakana"})
    assert found.warning("multilingual") is None


def test_no_texts_and_unknown_scripts() -> None:
    assert count_scripts(pa.array([], pa.large_string()), {"Latin"}).warning("minilm") is None
    with pytest.raises(ConfigError, match="Cyrilic") as error:
        count_scripts(TEXTS, {"Cyrilic"})
    assert "did you mean 'Cyrillic'" in str(error.value)
