"""How long work tells how far it is; the protocol lies in `shopkeeper.progress`, where every layer can reach it."""

from __future__ import annotations

from shopkeeper.progress import Progress

__all__ = ["Progress"]
