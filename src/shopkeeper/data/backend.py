"""Ibis' backend for DuckDB, with the calls that DuckDB 2 has renamed.

Ibis 12 asks DuckDB for Arrow data by names that DuckDB 2 deprecates in one place and lacks in another. The two methods
below ask by the names that DuckDB 1.3 and later share; this file can go when Ibis does the same.
"""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def backend_class() -> Any:
    """The class of the backend; made when first asked for, since Ibis is heavy to import."""
    import duckdb
    import ibis.expr.schema as sch
    import pyarrow as pa
    from ibis.backends.duckdb import Backend
    from ibis.common.exceptions import TableNotFound

    class EngineBackend(Backend):  # type: ignore[misc]  # Ibis has no types
        """DuckDB in this process."""

        def get_schema(self, table_name: str, *, catalog: str | None = None, database: str | None = None) -> Any:
            """Column names and types of a table or view."""
            place = ".".join(_quoted(part) for part in (catalog, database, table_name) if part)
            try:
                columns = self.con.sql(f"DESCRIBE {place}").fetchall()
            except duckdb.CatalogException as error:
                raise TableNotFound(table_name) from error
            types = self.compiler.type_mapper
            return sch.Schema(
                {name: types.from_string(kind, nullable=null == "YES") for name, kind, null, *_ in columns}
            )

        def to_pyarrow_batches(
            self, expr: Any, /, *, params: Any = None, limit: Any = None, chunk_size: int = 1_000_000, **_: Any
        ) -> Any:
            """The rows of an expression as a stream of record batches, without holding them all."""
            self._run_pre_execute_hooks(expr)
            table = expr.as_table()
            rows = self.con.sql(self.compile(table, limit=limit, params=params))
            reader = rows.to_arrow_reader(chunk_size) if hasattr(rows, "to_arrow_reader") else rows.arrow(chunk_size)
            schema = table.schema().to_pyarrow()
            return pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in reader))

    return EngineBackend


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
