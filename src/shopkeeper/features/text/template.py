"""Which columns of the catalog form the text of an item, and which items have none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import Field, field_validator

from shopkeeper.config import Settings
from shopkeeper.data.schema import BRAND, CATEGORY, DESCRIPTION, TITLE
from shopkeeper.errors import DataError, choices
from shopkeeper.types import BoolArray

if TYPE_CHECKING:
    import pyarrow as pa

COLUMN: Final = re.compile(r"\{([^{}]+)\}")
WORDS: Final = r"[\pL\pN]"
"""A text needs one letter or digit at least: of symbols and emoji alone no model makes sense."""


class TextTemplate(Settings):
    """How the columns of a catalog become one text."""

    parts: tuple[str, ...] = Field((f"{{{TITLE}}}", f"{{{BRAND}}}", f"{{{CATEGORY}}}"), min_length=1)
    """Each part names one or more columns in braces, "by {brand}"; an item of which one is not known goes without the
    part. Where the catalog has no title, the description stands for it."""
    separator: str = ". "
    """Between the parts."""
    most_characters: int = Field(2000, ge=1)
    """What is longer is cut."""

    @field_validator("parts")
    @classmethod
    def _with_columns(cls, parts: tuple[str, ...]) -> tuple[str, ...]:
        for part in parts:
            if not COLUMN.search(part):
                raise ValueError(f"a part names a column in braces, such as {{title}}; {part!r} names none")
        return parts

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it names, each once."""
        return tuple(dict.fromkeys(name for part in self.parts for name in COLUMN.findall(part)))


@dataclass(frozen=True)
class ItemTexts:
    """One text an item.

    Attributes:
        texts: large_string [n_items]; "" where there is none.
        known: bool [n_items]; whether the text has a letter or a digit.
        n_empty: Items without any text.
        n_wordless: Items whose text is of symbols or emoji alone; they count as having none.
        n_cut: Texts that were longer than allowed.
        columns: What was used.
        missing: Columns of the template that the catalog does not have.
    """

    texts: pa.Array
    known: BoolArray
    n_empty: int
    n_wordless: int
    n_cut: int
    columns: tuple[str, ...]
    missing: tuple[str, ...]


def item_texts(rows: pa.Table, template: TextTemplate) -> ItemTexts:
    """Fills the template for every row.

    Args:
        rows: The catalog, a row an item.
        template: What to write.

    Raises:
        DataError: The catalog has none of the columns.
    """
    import pyarrow.compute as pc

    sources = source_columns(rows.column_names, template)
    written = [part for part in template.parts if set(COLUMN.findall(part)) <= set(sources)]
    parts = [_part(rows, part, sources) for part in written]
    joined = _tidy(_join([text for text, _ in parts], template.separator))
    cut = pc.utf8_slice_codeunits(joined, 0, template.most_characters)
    known = np.any([worded for _, worded in parts], axis=0)
    empty = pc.equal(joined, "").to_numpy(zero_copy_only=False)
    n_cut = int(pc.sum(pc.not_equal(cut, joined)).as_py() or 0)
    missing = tuple(name for name in template.columns if name not in sources)
    used = tuple(sources.values())
    return ItemTexts(cut, known, int(empty.sum()), int((~known & ~empty).sum()), n_cut, used, missing)


def source_columns(columns: Sequence[str], template: TextTemplate) -> dict[str, str]:
    """For each column that the template names the one of the catalog that serves, where there is one.

    Raises:
        DataError: There is none at all.
    """
    stand_in = {TITLE: DESCRIPTION} if TITLE not in columns else {}
    found = {name: stand_in.get(name, name) for name in template.columns}
    found = {name: column for name, column in found.items() if column in columns}
    if not found:
        raise DataError(
            "the catalog has none of the columns that form the text",
            expected=choices(template.columns[0], columns),
            got=", ".join(template.columns),
            remedy="name its columns: --part '{title}'",
        )
    return found


def text_fingerprint(rows: pa.Table, template: TextTemplate) -> str:
    """SHA-256 in hexadecimal over all that the texts depend on: the template and the columns it reads."""
    digest = hashlib.sha256(template.model_dump_json().encode())
    for name, column in source_columns(rows.column_names, template).items():
        digest.update(f"{name}={column}:{len(rows)}:".encode())
        for buffer in _plain(rows.column(column)).buffers():
            digest.update(buffer if buffer is not None else b"-")
    return digest.hexdigest()


def _part(rows: pa.Table, part: str, sources: dict[str, str]) -> tuple[pa.Array, BoolArray]:
    """One part for every row, large_string [n], null where a column is; and where a column has a word, bool [n]."""
    import pyarrow as pa
    import pyarrow.compute as pc

    pieces = re.split(r"\{([^{}]+)\}", part)  # text, column, text, column, ..., text
    values = [_texts(rows.column(sources[name])) for name in pieces[1::2]]
    worded = np.any([pc.fill_null(pc.match_substring_regex(text, WORDS), False) for text in values], axis=0)
    between = [pa.scalar(piece, pa.large_string()) for piece in pieces[::2]]
    mixed = [value for pair in zip(between, values, strict=False) for value in pair]
    text = pc.binary_join_element_wise(*mixed, between[-1], pa.scalar("", pa.large_string()))
    return text, worded & text.is_valid().to_numpy(zero_copy_only=False)


def _join(parts: Sequence[pa.Array], separator: str) -> pa.Array:
    """The parts of each row that are not null with a separator between, "" where all are; large_string [n]."""
    import pyarrow as pa
    import pyarrow.compute as pc

    nothing, before = pa.scalar("", pa.large_string()), pa.scalar(separator, pa.large_string())
    led = [pc.fill_null(pc.binary_join_element_wise(before, part, nothing), "") for part in parts]
    return pc.utf8_slice_codeunits(pc.binary_join_element_wise(*led, nothing), len(separator))


def _texts(column: pa.ChunkedArray) -> pa.Array:
    """A column as text, null where there is nothing to read; large_string [n]."""
    import pyarrow as pa
    import pyarrow.compute as pc

    tidy = _tidy(_plain(column))
    return pc.if_else(pc.equal(tidy, ""), pa.scalar(None, pa.large_string()), tidy)


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """A column of any type as large_string [n], "" where missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_nested(column.type):
        separator = pa.scalar(", ", pa.large_string())
        lists = column.combine_chunks().cast(pa.large_list(pa.large_string()))
        return pc.fill_null(pc.binary_join(lists, separator), "")
    array = pc.fill_null(column.cast(pa.large_string()), "")
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _tidy(texts: pa.Array) -> pa.Array:
    """One space for any white space, none at the ends."""
    import pyarrow.compute as pc

    return pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, r"[\s\p{Z}]+", " "))
