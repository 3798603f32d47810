"""Users whom the log does not know are counted, said, and marked in the file."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from shopkeeper.data.dataset import Dataset
from shopkeeper.data.histories import Histories
from shopkeeper.data.vocabulary import Vocabulary
from shopkeeper.jobs.recommend import read_user_ids, recommend_to_file, unknown_users
from shopkeeper.recommenders.transitions import Transitions


def test_ids_keep_their_blanks_and_unknown_users_are_marked(tmp_path: Path) -> None:
    users = [" u1", "u2", "u\u2028 3 "]
    data = Dataset(Vocabulary(users), Vocabulary(["a", "b", "c"]), Histories.of_items([[1, 2], [2, 3], [3, 1]]))
    model = Transitions().fit(data)
    file = tmp_path / "users.txt"
    file.write_bytes("\ufeff u1\r\n u2 \n\nu\u2028 3 \nnobody\n".encode())
    found = read_user_ids(file, model)
    assert found == [" u1", "u2", "u\u2028 3 ", "nobody"]
    assert unknown_users(model, found) == ["nobody"]
    recommend_to_file(model, found, 2, tmp_path / "out.parquet")
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert {row["user_id"]: row["known"] for row in rows} == {user: user != "nobody" for user in found}
