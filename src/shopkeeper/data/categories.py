"""Category paths: one form inside, the shop's own words at every door.

A catalog writes "Garden > Tools", "Garden/Tools", "Garden|Tools", "Garden, Tools" or a list of steps. Inside, a path is
its steps joined by `CATEGORY_SEPARATOR`, in the shop's own spelling. What separates the steps is told from all the
values together, kept with the catalog, and used again for every category that comes later: in items that are posted,
filters, interests and searches. Two paths name the same category when they differ only in case, in the width of
characters or in the number of blanks.
"""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from heapq import nlargest
from html import unescape
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Final

from shopkeeper.data.schema import CATEGORY, CATEGORY_SEPARATOR

if TYPE_CHECKING:
    import pyarrow as pa

NOTHING: Final = ("", "nan", "NaN", "None", "null", "NULL")
"""What a text says when an export had none."""
STRONG: Final = {
    ">": r"\s*-*[>\uff1e]+\s*", "|": r"\s*[|\uff5c]\s*", " / ": r"\s+/\s+", "»": r"\s*»\s*",
    "\u203a": r"\s*\u203a\s*", "→": r"\s*→\s*",
}  # fmt: skip
"""What separates steps wherever it stands, and the expression that finds it, in its wide form too."""
WEAK: Final = ("/", "\\", ",", ";", ":", ".")
"""What separates steps only where the values together look like a tree; else it is part of a name."""
LEAST_SHARE: Final = 0.5
"""Share of the distinct values that must hold a weak separator."""
COMPARED: Final = 1000
"""So many categories are compared with a name that names none, by the pairs of letters that they share ..."""
LIKELY: Final = 20
"""... and so many of them letter by letter."""
METADATA: Final = b"shopkeeper.category_separator"
"""Under this name the table of a catalog keeps its separator, and Parquet files with it."""
_ANY_STRONG: Final = "|".join(STRONG.values())


@dataclass(frozen=True)
class CategoryFormat:
    """How a shop writes the paths of its categories.

    Attributes:
        separator: What stands between the steps; None understands all that separate wherever they stand.
    """

    separator: str | None = None

    def path(self, text: str | None) -> str | None:
        """A path as it is kept inside: steps joined by `CATEGORY_SEPARATOR`; None where the text says nothing.

        A text that holds a list, as JSON or Python writes it, gives its elements as steps; of several lists the first.
        """
        if text is None or text.strip() in NOTHING:
            return None
        steps = _listed(text)
        return _joined(self._split(unescape(text)) if steps is None else steps)

    def written(self, text: str | None) -> str | None:
        """A path that came by itself, in the shop's writing or in ours, as answers show it."""
        ours = text is not None and CATEGORY_SEPARATOR in text
        return (CategoryFormat(CATEGORY_SEPARATOR.strip()) if ours else self).path(text)

    def readings(self, text: str) -> list[str]:
        """What a text may mean, as paths, the likeliest first: the shop's writing, ours, and others."""
        text = unicodedata.normalize("NFKC", text)
        ours = _joined(text.split(CATEGORY_SEPARATOR))
        others = [CategoryFormat(separator).path(text) for separator in (None, "/")]
        return list(dict.fromkeys(path for path in (self.path(text), ours, *others) if path is not None))

    def paths(self, column: pa.ChunkedArray) -> pa.Array:
        """A column of texts as paths; each distinct text is looked at once."""
        import pyarrow as pa

        encoded = column.cast(pa.large_string()).combine_chunks().dictionary_encode()
        values = pa.array([self.path(text) for text in encoded.dictionary.to_pylist()], pa.string())
        return values.take(encoded.indices)

    def stamped(self, table: pa.Table) -> pa.Table:
        """The table with this format in its metadata."""
        metadata = dict(table.schema.metadata or {})
        metadata.pop(METADATA, None)
        kept = {} if self.separator is None else {METADATA: self.separator.encode()}
        return table.replace_schema_metadata({**metadata, **kept})

    @staticmethod
    def of(table: pa.Table | None) -> CategoryFormat:
        """The format that the table of a catalog keeps; one without any understands what separates everywhere."""
        kept = None if table is None else (table.schema.metadata or {}).get(METADATA)
        return CategoryFormat(None if kept is None else kept.decode())

    @staticmethod
    def told_by(texts: Iterable[str | None]) -> CategoryFormat:
        """The format that the values of a catalog show together.

        Args:
            texts: Its values, each at least once.

        Returns:
            The separator that most values hold. One of `WEAK` must stand in half of the distinct values, and these must
            be a tree (many of them begin with the same step), or all values must hold it.
        """
        distinct = {text for text in texts if text is not None and text.strip() not in NOTHING and not _listed(text)}
        strong = Counter(name for text in distinct for name, pattern in STRONG.items() if re.search(pattern, text))
        shares = {name: count for name, count in strong.items() if 10 * count >= len(distinct)}
        weak = {name: count for name in WEAK if (count := _tree_size(name, distinct)) > max(shares.values(), default=0)}
        found = weak or shares or strong
        return CategoryFormat(max(found, key=lambda name: found[name]) if found else None)

    def _split(self, text: str) -> Sequence[str]:
        if self.separator is None:
            return re.split(_ANY_STRONG, text)
        found = re.split(STRONG.get(self.separator, re.escape(self.separator)), text)
        return found if len(found) > 1 else re.split(_ANY_STRONG, text)


def category_key(path: str) -> str:
    """What two paths of the same category have in common: case, width and blanks do not count."""
    return CATEGORY_SEPARATOR.join(
        " ".join(unicodedata.normalize("NFKC", step).casefold().split()) for step in path.split(CATEGORY_SEPARATOR)
    )


def with_paths(table: pa.Table, told: Callable[[Iterable[str | None]], CategoryFormat]) -> pa.Table:
    """A table of a catalog with its categories as paths, which keeps how they were written.

    Args:
        table: With the column `category` of texts, or without.
        told: Gives the format from the distinct texts.
    """
    import pyarrow.compute as pc

    if CATEGORY not in table.column_names:
        return table
    column = table.column(CATEGORY)
    found = told(pc.unique(column).to_pylist())
    return found.stamped(table.set_column(table.column_names.index(CATEGORY), CATEGORY, found.paths(column)))


@dataclass(frozen=True)
class CategoryNames:
    """The categories of a shop, found by any writing of their names.

    Attributes:
        paths: The distinct paths of its items.
        format: How the shop writes them.
    """

    paths: Sequence[str]
    format: CategoryFormat = CategoryFormat()

    def named(self, text: str) -> str | None:
        """The category, or one above several, that a text names, as the shop spells it; None where it names none."""
        keys = (category_key(path) for path in self.format.readings(text))
        return next((self._spelled[key] for key in keys if key in self._spelled), None)

    def spelling(self, path: str) -> str:
        """A path, or the start of one, as the shop spells it first."""
        return self._spelled.get(category_key(path), path)

    def written(self, text: str | None) -> str | None:
        """The path of an item that came later: steps that are there are spelled as they are."""
        path = self.format.written(text)
        if text is None or path is None:
            return None
        steps = path.split(CATEGORY_SEPARATOR)
        starts = (CATEGORY_SEPARATOR.join(steps[:depth]) for depth in range(len(steps), 0, -1))
        known = next((start for start in starts if category_key(start) in self._spelled), None)
        return path if known is None else self.spelling(known) + path[len(known) :]

    def close_to(self, text: str) -> list[str]:
        """Some categories whose names are like a text, else some of all."""
        key = category_key(self.format.path(text) or text)
        pairs = _pairs(key)
        likely = nlargest(LIKELY, self._pairs_of, key=lambda name: len(pairs & self._pairs_of[name]))
        near = get_close_matches(key, likely, n=3, cutoff=0.5)
        return [self._spelled[name] for name in near or islice(self._spelled, 3)]

    @cached_property
    def keys(self) -> list[str]:
        """`category_key` of each path, in their order."""
        return [category_key(path) for path in self.paths]

    @cached_property
    def _pairs_of(self) -> dict[str, frozenset[str]]:
        """The pairs of letters in some keys: whole texts take a thousand times as long to compare."""
        return {key: _pairs(key) for key in islice(self._spelled, COMPARED)}

    @cached_property
    def _spelled(self) -> dict[str, str]:
        """Key of every path and of every path above one, to its spelling; of several the first."""
        found: dict[str, str] = {}
        for path, key in zip(self.paths, self.keys, strict=True):
            steps, key_steps = path.split(CATEGORY_SEPARATOR), key.split(CATEGORY_SEPARATOR)
            for depth in range(1, len(steps) + 1):
                found.setdefault(CATEGORY_SEPARATOR.join(key_steps[:depth]), CATEGORY_SEPARATOR.join(steps[:depth]))
        return found


def _pairs(key: str) -> frozenset[str]:
    return frozenset(map("".join, pairwise(key)))


def _tree_size(separator: str, distinct: set[str]) -> int:
    """How many values hold a weak separator, where it separates; else 0."""
    held = [text for text in distinct if separator in text.strip().strip(separator)]
    heads = {text.strip().strip(separator).split(separator)[0].strip() for text in held}
    many = len(held) >= 2 and len(held) >= LEAST_SHARE * len(distinct)
    everywhere = separator != "." and len(held) == len(distinct)
    return len(held) if many and (everywhere or 5 * len(heads) <= 4 * len(held)) else 0


def _listed(text: str) -> list[str] | None:
    """The steps of a text that is written as a list; None where it is not."""
    text = text.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, list):
            first = found[0] if found and isinstance(found[0], list) else found
            return [str(step) for step in first if step is not None]
    return None


def _joined(steps: Iterable[str]) -> str | None:
    """Steps as a path; a step cannot hold the separator of paths itself."""
    names = (step.strip().replace(CATEGORY_SEPARATOR, ">") for step in steps)
    return CATEGORY_SEPARATOR.join(name for name in names if name) or None
