"""Runs the service: one process, or several that share a port, an event store and a folder of counters."""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, cast

from shopkeeper.artifacts import open_artifact
from shopkeeper.errors import ResourceError, ShopkeeperError
from shopkeeper.pipeline.bundle import KIND
from shopkeeper.serving.access.keys import KeyFile
from shopkeeper.serving.access.local import check_address
from shopkeeper.serving.event_store.database import Database
from shopkeeper.serving.settings import ServiceSettings, database_of

if TYPE_CHECKING:
    from fastapi import FastAPI
    from uvicorn import Config

SHARED_COUNTERS: Final = "PROMETHEUS_MULTIPROC_DIR"
WORKER_SECONDS: Final = 15
"""A worker that gives its parent no sign for so long is replaced; a large bundle keeps one busy while it loads."""
STOP_SECONDS: Final = 5
"""A worker whose parent is gone has so long, behind the time of its requests, to write what waits."""
SPARE_FILES: Final = 512
"""Files that a worker opens beside its connections: the bundle's, the store's, the pages'."""
ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
"""Where a service that listens on every address is reached from this machine."""


def serve(bundle_folder: Path, settings: ServiceSettings, ready: Callable[[str], None]) -> None:
    """Answers until it is told to stop (SIGTERM or Ctrl-C); requests that run are finished first.

    Args:
        bundle_folder: Folder written by `shopkeeper train`.
        settings: How to run.
        ready: Told the address when it answers.

    Raises:
        ArtifactError: There is no bundle, or it is damaged.
        StoreError: The event store cannot be reached.
        ConfigError: The API keys or the address of the store cannot be read, or there are no keys and the address to
            listen on is one that others reach.
        ResourceError: The port is taken.
        ShopkeeperError: A worker could not start.
    """
    _check(bundle_folder, settings)
    allow_files(settings.max_connections + SPARE_FILES)
    with listening(settings) as listener, _shared_counters(settings.workers):
        _tell_when_ready(listener, settings, ready)
        if settings.workers == 1:
            _run_alone(bundle_folder, settings, listener)
        else:
            _run_workers(bundle_folder, settings, listener)


def _check(bundle_folder: Path, settings: ServiceSettings) -> None:
    """Finds here, at once and in plain words, what would else end each worker."""
    open_artifact(bundle_folder, KIND, verify="size")
    check_address(settings)
    if settings.api_key_file is not None:
        KeyFile(settings.api_key_file)
    database = Database(database_of(bundle_folder, settings))
    if database.file is not None:
        database.file.parent.mkdir(parents=True, exist_ok=True)
    with database.reading():
        """It can be reached."""
    database.close()


def allow_files(needed: int) -> None:
    """Lets this process, and those that it starts, open so many files and connections, as far as the machine allows."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _run_alone(bundle_folder: Path, settings: ServiceSettings, listener: socket.socket) -> None:
    import uvicorn

    server = uvicorn.Server(_config(_application(bundle_folder, settings), settings))
    for told_to_stop in (signal.SIGTERM, signal.SIGINT):  # the server raises it again when it has stopped
        signal.signal(told_to_stop, lambda *_: sys.exit(0))
    server.run(sockets=[listener])


def _run_workers(bundle_folder: Path, settings: ServiceSettings, listener: socket.socket) -> None:
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.supervisors import Multiprocess

    listener.set_inheritable(True)
    config = _config(partial(_application_or_exit, bundle_folder, settings), settings, factory=True)
    supervisor = Multiprocess(config, sockets=[listener])
    supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise ShopkeeperError("a worker could not start", remedy="its error stands above")


def _config(application: Any, settings: ServiceSettings, factory: bool = False) -> Config:
    import uvicorn

    from shopkeeper.serving.connections import BoundedProtocol, Connections

    return uvicorn.Config(
        application,
        http=cast(Any, partial(BoundedProtocol, connections=Connections(settings))),
        ws="none",
        factory=factory,
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=round(settings.shutdown_seconds),
        timeout_worker_healthcheck=WORKER_SECONDS,
    )


def _application(bundle_folder: Path, settings: ServiceSettings) -> FastAPI:
    from shopkeeper.serving.app import create_app
    from shopkeeper.serving.logs import log_as_json

    log_as_json()
    application = create_app(bundle_folder, settings)
    # What lives now lives on: a full collection that walks over all of it would stop the answers for 0.2 s and more. A
    # bundle that is replaced later is freed all the same, by its last reference.
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # else what is frozen counts as leaked at the end, and DuckDB says so in 40 lines
    return application


def _application_or_exit(bundle_folder: Path, settings: ServiceSettings) -> FastAPI:
    """The application of a worker; the status of one that cannot start tells the parent not to try again."""
    from uvicorn.config import STARTUP_FAILURE

    from shopkeeper.serving.logs import LOGGER

    Thread(target=_end_with_parent, args=(settings.shutdown_seconds,), name="parent", daemon=True).start()
    try:
        return _application(bundle_folder, settings)
    except ShopkeeperError as error:
        LOGGER.critical("this worker cannot start: %s", error)
        sys.exit(STARTUP_FAILURE)


def _end_with_parent(shutdown_seconds: float) -> None:
    """Stops this worker when its parent is gone, however that ended: nobody would replace or stop it any more."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(shutdown_seconds + STOP_SECONDS)
    os._exit(1)


@contextmanager
def listening(settings: ServiceSettings) -> Iterator[socket.socket]:
    """A socket bound to the port.

    Raises:
        ResourceError: The port is taken, or the address is not of this machine.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            raise ResourceError(
                f"cannot listen on {settings.host}, port {settings.port}", got=error.strerror or str(error),
                remedy="stop what listens there, or give another --port (0 takes a free one)",
            ) from error  # fmt: skip
        yield listener


@contextmanager
def _shared_counters(workers: int) -> Iterator[None]:
    """A folder in which several workers count together; must be named before their metrics are imported."""
    if workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="shopkeeper-metrics-") as folder:
        os.environ[SHARED_COUNTERS] = folder
        yield
        del os.environ[SHARED_COUNTERS]


def _tell_when_ready(listener: socket.socket, settings: ServiceSettings, ready: Callable[[str], None]) -> None:
    host, port = ANY_ADDRESS.get(settings.host, settings.host), listener.getsockname()[1]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def wait() -> None:
        while not _answers(host, port):
            time.sleep(0.05)
        ready(address)

    Thread(target=wait, name="ready", daemon=True).start()


def _answers(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
