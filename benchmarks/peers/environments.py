"""An environment of its own for each peer library, made once and kept in a cache folder.

All sides run the same version of PyTorch: it is installed first, from wherever pip is set up to take it (a build for
processors alone is enough), and then what the library needs beside it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from shopkeeper.errors import ShopkeeperError

REQUIREMENTS = {
    "recbole": ("recbole==1.2.1", "numpy==1.26.4", "scipy==1.12.0", "pandas==2.1.4", "setuptools<81"),
    "rectools": ("rectools[torch]==0.19.0",),
    "deepctr": ("deepctr-torch==0.3.0", "requests"),
}
"""RecBole 1.2.1 was written for NumPy 1 and for what else was current then."""


def default_cache() -> Path:
    """Where environments are kept unless told otherwise."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "shopkeeper-benchmarks"


def python_of(peer: str, cache: Path) -> Path:
    """The Python of a peer's environment, which is made where it is not there yet.

    Raises:
        ShopkeeperError: It could not be installed.
    """
    torch = f"torch=={version('torch').split('+')[0]}"
    wanted = "\n".join((torch, *REQUIREMENTS[peer]))
    folder = cache / peer
    python, mark = folder / "bin" / "python", folder / "installed.txt"
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return python
    print(f"installing {peer} into {folder}", file=sys.stderr)
    _run(peer, [sys.executable, "-m", "venv", "--clear", str(folder)])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run(peer, [*pip, torch])
    _run(peer, [*pip, torch, *REQUIREMENTS[peer]])
    mark.write_text(wanted, encoding="utf-8")
    return python


def _run(peer: str, command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise ShopkeeperError(
            f"{peer} could not be installed",
            got="\n".join(done.stdout.splitlines()[-5:]),
            remedy=f"install it yourself and pass --python {peer}=PATH, or leave it out with --sides",
        )
