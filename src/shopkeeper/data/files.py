"""Rows in files: Parquet read in place, CSV and JSON copied once into the staging database."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from shopkeeper.data.engine import STAGING, quoted, reading, text_literal
from shopkeeper.data.sources import BrokenLine, SourceSettings, SourceTable, check_columns, make_view, unique_name
from shopkeeper.errors import DataError

KINDS: Final = {
    ".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "csv", ".txt": "csv",
    ".jsonl": "json", ".ndjson": "json", ".json": "json",
}  # fmt: skip
DELIMITERS: Final = (",", "\t", ";", "|")
EXAMPLES: Final = 5


def read_files(source: str, settings: SourceSettings, engine: Any) -> SourceTable:
    """Opens a file, a glob or a folder.

    Args:
        source: The path.
        settings: How to read it.
        engine: The Ibis backend.

    Raises:
        DataError: There is none, it is damaged, or the files are of several kinds.
    """
    paths, kind = find_files(source)
    folders = paths[0].relative_to(_root(source)).parts[:-1]
    partitions = [folder.partition("=")[0] for folder in folders if "=" in folder]
    names = "[" + ", ".join(text_literal(str(path)) for path in paths) + "]"
    arguments = f"{names}, hive_partitioning={'true' if partitions else 'false'}, hive_types_autocast=false"
    with reading(source):
        if kind == "parquet":
            return _read_parquet(source, paths, arguments, engine)
        if kind == "json":
            return _read_json(source, arguments, engine)
        delimiter, header = _common_header(paths, settings)
        origin = f"read_csv({arguments}, {_csv_options(delimiter, header, settings)}"
        return _read_csv(source, [*header, *partitions], origin, settings, engine)


def find_files(source: str) -> tuple[list[Path], str]:
    """The files of a path, a glob or a folder, in ascending order of their names, and their kind.

    Raises:
        DataError: There is none, they are of several kinds, or of none that is known.
    """
    path = Path(source)
    if path.is_file():
        found = [path]
    elif path.is_dir():
        found = [file for file in path.rglob("*") if file.is_file() and not file.name.startswith((".", "_"))]
    else:
        found = [file for file in Path(_root(source)).glob(_pattern(source)) if file.is_file()]
    kinds = {kind: [file for file in found if _kind(file) == kind] for kind in set(map(_kind, found)) if kind}
    if not kinds:
        raise DataError(
            f"there is nothing to read at {source}",
            expected=f"files ending in {', '.join(KINDS)} (also .gz of CSV and JSON)",
            got=", ".join(sorted(file.name for file in found)[:5]) or "no such file or folder",
            remedy="check the path",
        )
    if len(kinds) > 1:
        raise DataError(
            f"{source} holds files of several kinds", got=", ".join(sorted(kinds)), remedy="name one kind, as *.parquet"
        )
    kind, files = next(iter(kinds.items()))
    empty = next((file for file in files if file.stat().st_size == 0), None)
    if empty is not None:
        raise DataError(f"{empty} is empty", expected="a header at least", got="0 bytes")
    return sorted(files), kind


def _read_parquet(source: str, paths: Sequence[Path], arguments: str, engine: Any) -> SourceTable:
    sizes = dict(
        engine.raw_sql(
            f"SELECT file_name, num_rows FROM parquet_file_metadata([{', '.join(text_literal(str(p)) for p in paths)}])"
        ).fetchall()
    )
    row = "file_row_number"
    if len(paths) > 1:
        before = accumulate([0, *(sizes[str(path)] for path in paths[:-1])])
        row += f" + list_extract([{', '.join(map(str, before))}]::BIGINT[], CAST(file_index AS BIGINT) + 1)"
        arguments += ", union_by_name=true"
    origin = f"read_parquet({arguments})"
    return SourceTable(make_view(engine, row, columns := _columns(engine, origin), origin), tuple(columns), source)


def _read_json(source: str, arguments: str, engine: Any) -> SourceTable:
    origin = f"read_json({arguments}, sample_size=-1, maximum_object_size=33554432)"
    types = engine.raw_sql(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {origin})").fetchall()
    if [name for name, _ in types] == ["json"]:
        raise DataError(f"{source} holds no objects", expected='one object a line, as {"user_id": 1, "item_id": "a"}')
    wanted = ", ".join(f"{text_literal(name)}: {text_literal(_json_type(kind))}" for name, kind in types)
    columns = [name for name, _ in types]
    origin = f"read_json({arguments}, columns={{{wanted}}}, maximum_object_size=33554432)"
    return SourceTable(stage(engine, columns, origin), tuple(columns), source)


def _json_type(kind: str) -> str:
    """Numbers, booleans and nested values keep their type; whatever else keeps its text as it stands in the file."""
    keeps = ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE", "BOOLEAN")
    return kind if kind in keeps or kind.endswith("]") or kind.startswith("STRUCT") else "VARCHAR"


def _read_csv(source: str, columns: list[str], origin: str, settings: SourceSettings, engine: Any) -> SourceTable:
    errors, scans = unique_name("reject_errors"), unique_name("reject_scans")
    rejects = f"store_rejects=true, rejects_table={text_literal(errors)}, rejects_scan={text_literal(scans)}"
    table = stage(engine, columns, f"{origin}, {rejects}, rejects_limit=0)")
    n_broken, examples = _broken_lines(engine, errors, scans)
    if n_broken:
        _judge_broken(source, n_broken, int(table.count().to_pyarrow().as_py()), examples, settings)
    return SourceTable(table, tuple(columns), source, True, n_broken, examples)


def _csv_options(delimiter: str, header: Sequence[str], settings: SourceSettings) -> str:
    types = ", ".join(f"{text_literal(column)}: 'VARCHAR'" for column in header)
    return (
        f"auto_detect=false, header=true, delim={text_literal(delimiter)}, quote='\"', escape='\"', "
        f"columns={{{types}}}, encoding={text_literal(settings.encoding)}, max_line_size=16777216"
    )


def _common_header(paths: Sequence[Path], settings: SourceSettings) -> tuple[str, list[str]]:
    first = read_header(paths[0], settings)
    for path in paths[1:]:
        if read_header(path, settings) != first:
            raise DataError(f"{path} has another header than {paths[0]}", expected=", ".join(first[1]))
    return first


def read_header(path: Path, settings: SourceSettings) -> tuple[str, list[str]]:
    """The delimiter and the column names of a CSV, from its first line.

    Raises:
        DataError: The first line cannot be decoded or read.
    """
    encoding = "utf-8-sig" if settings.encoding == "utf-8" else settings.encoding
    try:
        opener: Any = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding=encoding, errors="surrogateescape") as stream:
            line = stream.readline(2**20)
            line.encode()  # what could not be decoded cannot be encoded either
    except (UnicodeError, OSError, EOFError) as error:
        raise DataError(
            f"the header of {path} cannot be read", got=str(error), remedy="is it whole, and the encoding right?"
        ) from error
    delimiter = settings.delimiter or max(DELIMITERS, key=line.count)
    header = next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])
    check_columns(header)
    return delimiter, header


def stage(engine: Any, columns: Sequence[str], origin: str) -> Any:
    """Copies rows into the staging database, in their order.

    Args:
        engine: The Ibis backend.
        columns: Columns to keep.
        origin: SQL of the rows.

    Returns:
        An Ibis table with `row` and the prefixed columns.
    """
    check_columns(columns)
    name = f"{STAGING}.main.{unique_name('rows')}"
    engine.raw_sql(f"CREATE TABLE {name} AS SELECT {', '.join(map(quoted, columns))} FROM {origin}")
    return make_view(engine, "rowid", columns, name)


def _broken_lines(engine: Any, errors: str, scans: str) -> tuple[int, list[BrokenLine]]:
    origin = f"{errors} JOIN {scans} USING (scan_id, file_id)"
    total = engine.raw_sql(f"SELECT count(*) FROM (SELECT DISTINCT file_path, line FROM {origin})").fetchone()[0]
    found = engine.raw_sql(
        f"SELECT file_path, line, first(error_message ORDER BY error_type = 'MISSING COLUMNS'), first(csv_line), "
        f"bool_or(error_type = 'INVALID ENCODING') AS undecodable FROM {origin} GROUP BY ALL "
        f"ORDER BY undecodable DESC, file_path, line LIMIT {EXAMPLES}"
    ).fetchall()
    if found and found[0][4]:
        file, line = found[0][:2]
        raise DataError(
            f"{Path(file).name} is not of the encoding that it is read with",
            got=f"line {line} cannot be decoded",
            remedy="save it as UTF-8, or --set events.source.encoding=latin-1 (or utf-16)",
        )
    return int(total), [BrokenLine(Path(file).name, int(line), text, raw[:200]) for file, line, text, raw, _ in found]


def _judge_broken(
    source: str, n_broken: int, n_rows: int, examples: Sequence[BrokenLine], settings: SourceSettings
) -> None:
    if settings.bad_lines == "error" or n_broken > n_rows:
        first = examples[0]
        raise DataError(
            f"{source} has {n_broken} lines that cannot be read, beside {n_rows} that can",
            got=f"line {first.line} of {first.file}: {first.problem} ({first.text[:80]!r})",
            remedy="mend the lines or the delimiter" + ("" if n_broken > n_rows else ", or read with bad_lines=report"),
        )


def _columns(engine: Any, origin: str) -> list[str]:
    return [name for (name,) in engine.raw_sql(f"SELECT column_name FROM (DESCRIBE SELECT * FROM {origin})").fetchall()]


def _kind(file: Path) -> str:
    suffix = file.with_suffix("").suffix if file.suffix == ".gz" else file.suffix
    return KINDS.get(suffix.lower(), "")


def _root(source: str) -> str:
    """The part of a path before its first wildcard."""
    path = Path(source)
    if path.is_dir():
        return source
    parts = path.parts
    first = next((place for place, part in enumerate(parts) if any(sign in part for sign in "*?[")), len(parts) - 1)
    return str(Path(*parts[:first])) if first else "."


def _pattern(source: str) -> str:
    return str(Path(source).relative_to(_root(source)))
