"""One spelling for what reads the same."""

# ruff: noqa: RUF001

from __future__ import annotations

from unicodedata import normalize

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.data.transforms.text import normalize_text

FAMILY = "👨\u200d👩\u200d👧"


def one(text: str, **options) -> str:
    return str(normalize_text(pa.array([text]), **options)[0].as_py())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Nike\t\nAir  Max ", "nike air max"),
        ("ＮＩＫＥ　９０", "nike 90"),
        ("ﬁne ㎏ ①", "fine kg 1"),
        ("STRASSE straße", "strasse strasse"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("cafe\u0301 CAFÉ", "café café"),
        ("连衣裙 夏季新款", "连衣裙 夏季新款"),
        ("連衣裙（紅色）", "連衣裙(紅色)"),
        ("ﾜﾝﾋﾟｰｽ", "ワンピース"),
        ("soft\u00adware zero\u200bwidth \ufeffbom", "software zerowidth bom"),
        ("left\u200e right\u202e", "left right"),
        ("bell\x07 null\x00 delete\x7f", "bell null delete"),
        (f"{FAMILY} ❤\ufe0f 👍🏽 🏴\U000e0067\U000e007f", f"{FAMILY} ❤\ufe0f 👍🏽 🏴\U000e0067\U000e007f"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("one\u00a0two\u2028three\x85four", "one two three four"),
        ("   ", ""),
        ("", ""),
    ],
)
def test_texts_by_eye(text, expected):
    assert one(text) == expected


def test_case_may_stay():
    assert one("ＮＩＫＥ  Air", fold_case=False) == "NIKE Air"


def test_null_stays_null_and_slices_and_chunks_work():
    column = pa.array(["A", None, "B", "C"])
    assert normalize_text(column).to_pylist() == ["a", None, "b", "c"]
    assert normalize_text(column.slice(1, 2)).to_pylist() == [None, "b"]
    assert normalize_text(pa.chunked_array([["A"], [None, "B"]])).to_pylist() == ["a", None, "b"]
    assert normalize_text(pa.array([], pa.string())).to_pylist() == []
    assert normalize_text(column).type == pa.large_string()


@given(st.lists(st.text() | st.none(), max_size=8))
def test_normalizing_twice_changes_nothing(texts):
    once = normalize_text(pa.array(texts, pa.string()))
    assert normalize_text(once).to_pylist() == once.to_pylist()


@given(st.lists(st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Cn"))), max_size=8))
def test_rows_do_not_touch_each_other_and_python_agrees(texts):
    def by_python(text: str) -> str:
        folded = normalize("NFKC", normalize("NFKC", text).casefold())
        return " ".join(normalize("NFKC", folded.casefold()).split())

    assert normalize_text(pa.array(texts, pa.string())).to_pylist() == [by_python(text) for text in texts]


def test_more_rows_than_one_piece():
    texts = [f"Text {place}" for place in range(70_000)]
    assert normalize_text(pa.array(texts)).to_pylist() == [text.lower() for text in texts]
