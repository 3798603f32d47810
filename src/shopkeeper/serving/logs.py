"""Logs as lines of JSON, each with the id of the request that it belongs to."""

from __future__ import annotations

import json
import logging
import math
import re
import sys
import time
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime
from threading import Lock
from typing import Final

REQUEST_ID: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""Id of the request that is being answered."""
LOGGER: Final = logging.getLogger("shopkeeper.serving")
FIELDS: Final = "fields"
"""Under this name `extra` hands over further fields of a line."""
MESSAGES: Final = 1000
"""Of so many messages at most the times are kept."""
REFUSALS: Final = frozenset({401, 408, 413, 429, 431, 503})
"""Status of requests that were refused before they were worked on."""
_GOOD_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)


def request_id_of(given: str) -> str:
    """The id that the caller gave, or a new one where it gave none that can stand in a log."""
    return given if _GOOD_ID.fullmatch(given) else uuid.uuid4().hex


class JsonFormatter(logging.Formatter):
    """One line of JSON a record: time, level, logger, message, request_id, further fields, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        request_id = REQUEST_ID.get()
        if request_id:
            line["request_id"] = request_id
        line.update(getattr(record, FIELDS, {}))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class OneASecond(logging.Filter):
    """Lets one record of each refusal through in a second, and says in the next how many were left out.

    Of warnings and errors without a traceback, and of requests that were refused before they were worked on: an attack
    brings thousands of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, tuple[float, int]] = {}
        self._lock = Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        fields = getattr(record, FIELDS, {})
        refused = fields.get("status") in REFUSALS
        if (record.levelno < logging.WARNING and not refused) or record.exc_info:
            return True
        name = f"{record.msg} {fields.get('status')}"
        with self._lock:
            last, left_out = self._seen.get(name, (-math.inf, 0))
            now = time.monotonic()
            if now - last < 1:
                self._seen[name] = (last, left_out + 1)
                return False
            if len(self._seen) >= MESSAGES:  # messages are formats, of which there are few
                self._seen.clear()
            self._seen[name] = (now, 0)
        if left_out:
            setattr(record, FIELDS, {**fields, "left_out": left_out})
        return True


def log_as_json(level: int = logging.INFO) -> None:
    """Sends all logs of this process to standard error as lines of JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(OneASecond())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
