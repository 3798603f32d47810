"""Texts of items: which columns, in which order, and who has none."""

from __future__ import annotations

import pyarrow as pa
import pytest

from shopkeeper.config import build
from shopkeeper.errors import ConfigError, DataError
from shopkeeper.features.text.template import TextTemplate, item_texts, text_fingerprint

ROWS = pa.table(
    {
        "item_id": [1, 2, 3, 4, 5],
        "title": ["Red  dress\n", None, "🎁✨", "  ", "连衣裙"],
        "brand": ["Acme", "Acme", None, None, "品牌"],
        "price": [12.5, None, 1.0, 2.0, 3.0],
        "colors": [["red", "blue"], [], None, None, ["红"]],
    }
)


def texts_of(*parts: str, **others: object) -> list[str]:
    return item_texts(ROWS, TextTemplate(parts=parts, **others)).texts.to_pylist()


def test_a_part_is_left_out_where_its_column_is_not_known() -> None:
    found = texts_of("{title}", "by {brand}")
    assert found == ["Red dress. by Acme", "by Acme", "🎁✨", "", "连衣裙. by 品牌"]


def test_numbers_and_lists_are_written_out() -> None:
    assert texts_of("{title} for {price}", "in {colors}")[0] == "Red dress for 12.5. in red, blue"
    assert texts_of("{title} for {price}", separator=" | ")[1] == ""


def test_empty_and_emoji_only_texts_are_counted_apart_and_count_as_none() -> None:
    found = item_texts(ROWS, TextTemplate(parts=("title: {title}",)))
    assert found.known.tolist() == [True, False, False, False, True]
    assert (found.n_empty, found.n_wordless) == (2, 1)


def test_an_emoji_beside_words_is_a_text() -> None:
    rows = pa.table({"title": ["🎁 gift"], "brand": [None]})
    assert item_texts(rows, TextTemplate(parts=("{title}", "{brand}"))).known.tolist() == [True]


def test_what_the_catalog_lacks_is_told_and_the_description_stands_for_a_title() -> None:
    rows = pa.table({"description": ["A red dress"]})
    found = item_texts(rows, TextTemplate())
    assert found.texts.to_pylist() == ["A red dress"]
    assert found.columns == ("description",)
    assert found.missing == ("brand", "category")


def test_a_long_text_is_cut_and_counted() -> None:
    found = item_texts(ROWS, TextTemplate(parts=("{title}",), most_characters=3))
    assert found.texts.to_pylist()[0] == "Red"
    assert found.n_cut == 1


def test_a_catalog_without_any_of_the_columns_is_refused_with_what_it_has() -> None:
    with pytest.raises(DataError, match="titel") as error:
        item_texts(ROWS, TextTemplate(parts=("{titel}",)))
    assert "did you mean 'title'" in str(error.value)


def test_a_part_without_a_column_is_refused() -> None:
    with pytest.raises(ConfigError, match="parts"):
        build(TextTemplate, {"parts": ["title"]})


def test_the_fingerprint_changes_with_what_is_read_and_with_nothing_else() -> None:
    template = TextTemplate(parts=("{title}", "{brand}"))
    before = text_fingerprint(ROWS, template)
    assert text_fingerprint(ROWS.set_column(3, "price", pa.array([9.0] * 5)), template) == before
    other = ROWS.set_column(1, "title", pa.array(["Red dress", None, "🎁✨", "  ", "连衣裙"]))
    assert text_fingerprint(other, template) != before
    assert text_fingerprint(ROWS, TextTemplate(parts=("{title}",))) != before
    moved = pa.table({"title": ["ab", "c"]}), pa.table({"title": ["a", "bc"]})
    first, second = (text_fingerprint(table, TextTemplate(parts=("{title}",))) for table in moved)
    assert first != second
