"""Settings of the service: where it listens, what it keeps, what it refuses."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, field_validator

from shopkeeper.config import Settings
from shopkeeper.machine import usable_cores
from shopkeeper.serving.access.origins import checked_origin

DATABASE_VARIABLE = "SHOPKEEPER_DATABASE"
"""Environment variable that names the database where no flag and no setting does."""
DEFAULT_DATABASE = "shop.db"
"""File beside the bundle that is taken where nothing names a database."""


class ServiceSettings(Settings):
    """How the service runs; section `[service]` of the settings file."""

    host: str = "127.0.0.1"
    """Address to listen on; "0.0.0.0" for every address of the machine."""
    port: int = Field(default=8080, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""
    workers: int = Field(default=1, ge=1, le=64)
    """Processes that answer. All share the port and the event store; each holds the bundle in its own memory."""
    database: str | None = None
    """Where events are kept: a path, `sqlite:///path` or `postgresql://user@host/name`. None takes the environment
    variable SHOPKEEPER_DATABASE, or else the file shop.db beside the bundle."""
    api_key_file: Path | None = None
    """File of API keys, as `shopkeeper keys create` writes it; changes count within a second. Without one the service
    listens on the loopback address alone, and refuses pages of other origins."""
    trusted_hosts: tuple[str, ...] = ()
    """Host names, without port, that a service without API keys is asked under beside those of its own machine; naming
    one lets it listen on any address, where everybody who reaches it may do everything."""
    cors_origins: tuple[str, ...] = ()
    """Origins, such as "https://shop.example", whose pages may read answers, beside those of browser keys."""
    max_body_bytes: int = Field(default=1 << 20, ge=1024)
    """Longest body of a request in bytes; a longer one gets status 413."""
    max_header_bytes: int = Field(default=32_768, ge=1024, le=1 << 20)
    """Longest header of a request in bytes, its address included; a longer one gets status 431."""
    max_header_lines: int = Field(default=100, ge=10, le=10_000)
    """Most lines of a header; more get status 431."""
    header_seconds: float = Field(default=10.0, gt=0)
    """Seconds in which a header must come whole; a slower one gets status 408."""
    body_seconds: float = Field(default=30.0, gt=0)
    """Seconds in which a body must come whole, and an answer be taken; a slower one gets status 408."""
    idle_seconds: float = Field(default=5.0, gt=0)
    """Seconds after which a connection without a request is closed."""
    queue_seconds: float = Field(default=2.0, gt=0)
    """Seconds that a request may wait for its turn; then it gets status 503."""
    max_connections: int = Field(default=1000, ge=1)
    """Connections of one worker. For one more, the first is closed whose time would be up; where all are being
    answered, the new one gets status 503."""
    max_connections_per_address: int | None = Field(default=None, ge=1)
    """The same of one address of callers; None sets no bound of its own, since a proxy has one address for all."""
    rate_per_address: float | None = Field(default=None, gt=0)
    """Requests a second that one address of callers gets from each worker; more get status 429. None sets no bound: a
    proxy has one address for all, unless it names theirs in X-Forwarded-For from this machine."""
    rate_per_key: float | None = Field(default=None, gt=0)
    """The same of one API key."""
    rate_burst_seconds: float = Field(default=10.0, gt=0)
    """Seconds whose requests may come at once, where none came before."""
    max_k: int = Field(default=100, ge=1, le=10_000)
    """Longest list that may be asked for."""
    max_candidates: int = Field(default=1000, ge=1, le=100_000)
    """Most items that one request for predictions may ask about."""
    max_batch: int = Field(default=500, ge=1, le=100_000)
    """Most events, or items, in one request."""
    max_given_history: int = Field(default=10_000, ge=1, le=1_000_000)
    """Most events in the history that a request itself gives, and most items that it excludes."""
    max_fields: int = Field(default=7, ge=1, le=100)
    """Most facts of items that one request may name, each as often as it is named."""
    max_search_words: int = Field(default=16, ge=1, le=128)
    """Most words of one search."""
    max_category_steps: int = Field(default=16, ge=1, le=1000)
    """Most steps of the category of a posted item; every step costs memory, for ever."""
    max_category_characters: int = Field(default=512, ge=1, le=20_000)
    """Longest category of a posted item."""
    max_attributes: int = Field(default=200, ge=0, le=10_000)
    """Most names of attributes over all items of the shop, those of its catalog included; a name that is there already
    may always be used."""
    max_attribute_characters: int = Field(default=128, ge=1, le=128)
    """Longest name of an attribute."""
    max_user_events_a_day: int | None = Field(default=5000, ge=1)
    """Most events of one user that a worker takes in a day (UTC); a request with more gets status 429. None takes
    all."""
    max_history: int | None = Field(default=None, ge=1, le=1_000_000)
    """Number of most recent events that models read, of a shopper or of a history that the request itself gives; None
    reads all, as the library does. What is hidden is decided by all events in either case."""
    offer_unsold: bool = False
    """Recommend items of the bundle's catalog that nobody has taken yet, each as if it had been posted; their texts are
    encoded whenever a bundle is loaded."""
    max_waiting: int = Field(default=500, ge=1)
    """Requests that may wait for the store, and for the models; one more gets status 503."""
    max_future_seconds: float = Field(default=86_400.0, ge=0)
    """How far ahead of the clock of this machine the timestamp of an event may lie."""
    tail_seconds: float = Field(default=0.2, gt=0, le=60)
    """Seconds between two looks for events and changes of items that other workers have stored."""
    record_seconds: float = Field(default=1.0, gt=0, le=60)
    """Seconds between two writes of what was recommended and of the traffic."""
    keep_days: float | None = Field(default=90.0, gt=0, le=36_500)
    """Days that records of answers and traffic, which only the dashboard reads, are kept; null keeps them for ever."""
    keep_events_days: float | None = Field(default=None, gt=0, le=36_500)
    """Days after which events are deleted from the store, by their timestamps, be they in a bundle or not; null keeps
    them for ever. What a bundle or a worker has read of them stays in it."""
    retention_seconds: float = Field(default=600.0, gt=0, le=86_400)
    """Seconds between two looks for what is kept no longer."""
    reload_seconds: float = Field(default=1.0, gt=0, le=3600)
    """Seconds between two looks whether the bundle was replaced."""
    shutdown_seconds: float = Field(default=10.0, gt=0)
    """Seconds that requests get to finish when the service is told to stop."""
    threads: int | None = Field(default=None, ge=1)
    """Threads that a network computes with in each worker; None shares the cores among the workers."""
    map_files: bool = False
    """Read arrays of the bundle from the disk as they are needed instead of holding them in memory: several workers
    share them, but a file that is cut short in place ends the process."""
    access_log: bool = True
    """Write one line of JSON for each request."""

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(checked_origin, values))

    @field_validator("trusted_hosts")
    @classmethod
    def _in_lower_case(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(value.lower() for value in values)

    @property
    def threads_per_worker(self) -> int:
        """Threads that a network computes with in one worker, at least 1."""
        return self.threads or max(1, usable_cores() // self.workers)


def database_of(bundle_folder: Path, settings: ServiceSettings) -> str:
    """Address of the event store: the setting, else the environment, else a file beside the bundle."""
    named = settings.database or os.environ.get(DATABASE_VARIABLE)
    return named or str(Path(bundle_folder).absolute().parent / DEFAULT_DATABASE)
