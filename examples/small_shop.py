"""Writes the files that the commands of the README read, where you have no log of your own at hand.

python examples/small_shop.py [folder]

`log.csv` has the clicks and purchases of the shop of `offline_line.py`, `feed.csv` its products, `new.csv` one more.
"""

from __future__ import annotations

import sys
from pathlib import Path

from offline_line import make_catalog, make_log
from pyarrow import csv

NEW = "item_id,title,price\n90001,A new thing,12.5\n"

if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    csv.write_csv(make_log(), folder / "log.csv")
    csv.write_csv(make_catalog(), folder / "feed.csv")
    (folder / "new.csv").write_text(NEW, encoding="utf-8")
    print(f"log.csv, feed.csv and new.csv are in {folder.resolve()}")
