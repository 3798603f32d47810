"""The file of API keys: what is written, what is refused when it is read, what a change of it does."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shopkeeper.errors import ConfigError
from shopkeeper.serving.access.keys import SHORTEST, KeyFile, KeyScope, create_key, read_keys, revoke_key
from waiting import until

EVENTS, ADMIN = frozenset({KeyScope.EVENTS}), frozenset({KeyScope.ADMIN})
GOOD = "a-plain-key-of-one's-own"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.txt"


def test_a_key_is_kept_as_its_hash_for_its_owner_alone(file: Path) -> None:
    created = create_key(file, "backend", EVENTS)
    written = file.read_text()
    assert created.secret not in written
    assert json.loads(written)["sha256"] == hashlib.sha256(created.secret.encode()).hexdigest()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_keys(file) == [created.key]
    assert list(file.parent.iterdir()) == [file]


def test_keys_come_and_go_beside_lines_of_ones_own(file: Path) -> None:
    file.write_text(f"# of the shop\n{GOOD}\n\n")
    create_key(file, "one", EVENTS)
    create_key(file, "two", ADMIN)
    revoke_key(file, "one")
    assert [key.name for key in read_keys(file)] == ["line-2", "two"]
    assert file.read_text().startswith(f"# of the shop\n{GOOD}\n\n")
    with pytest.raises(ConfigError, match="there is no key 'one'"):
        revoke_key(file, "one")
    with pytest.raises(ConfigError, match="there is a key 'two'"):
        create_key(file, "two", EVENTS)


def test_makers_at_the_same_time_lose_nothing(file: Path) -> None:
    makers = [threading.Thread(target=create_key, args=(file, f"key-{n}", EVENTS)) for n in range(12)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert {key.name for key in read_keys(file)} == {f"key-{n}" for n in range(12)}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("short", "too short"),
        ("x" * 15, "too short"),
        ("x" * 600, "too long"),
        ("schlüssel-des-ladens-1", "ASCII"),
        ("with blanks between words", "ASCII"),
        ("tab\tin-the-middle-of-it", "ASCII"),
        ("zero-width-\u200b-characters", "ASCII"),
        ("{not json", "no API key"),
        ('{"name": "a"}', "no API key"),
        ('{"name": "a", "sha256": "%s", "scopes": ["everything"]}' % ("0" * 64), "no API key"),
        ('{"name": "a", "sha256": "%s", "scopes": []}' % ("0" * 64), "no scope"),
        ('{"name": "a", "sha256": "%s", "scopes": ["events"], "expries_at": null}' % ("0" * 64), "no API key"),
        ('{"name": "a", "sha256": "zz", "scopes": ["events"]}', "SHA-256"),
        ('{"name": "a\\nb", "sha256": "%s", "scopes": ["events"]}' % ("0" * 64), "name"),
        ('{"name": "a", "sha256": "%s", "scopes": ["events"], "expires_at": "2030-01-01T00:00:00"}'
         % ("0" * 64), "zone"),
        ('{"name": "a", "sha256": "%s", "scopes": ["items"], "origins": ["https://a.b"], "user_secret": "s"}'
         % ("0" * 64), "no page"),
        ('{"name": "a", "sha256": "%s", "scopes": ["events"], "origins": ["https://a.b"]}' % ("0" * 64), "user_secret"),
        (f"{GOOD}\n{GOOD}", "twice"),
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused_when_it_is_read(file: Path, line: str, said: str) -> None:
    file.write_text(f"another-good-plain-key\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as found:
        KeyFile(file)
    assert len(line) < SHORTEST or line not in str(found.value)


def test_keys_must_be_there(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"keys\.txt cannot be read"):
        KeyFile(file)
    file.write_text("# none\n\n")
    with pytest.raises(ConfigError, match="holds no API key"):
        KeyFile(file)


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "ä", "x" * 65, "-a", "../a"])
def test_names_can_stand_in_a_log(file: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="name of a key"):
        create_key(file, name, EVENTS)
    assert not file.exists()


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "shop.example", "https://*.shop.example", "https://shop.example/path", "ftp://shop.example", "https://",
     "https://a@shop.example", "https://shop.example:no", "https://shöp.example", "https://shop.example?x"],
)  # fmt: skip
def test_origins_are_whole(file: Path, origin: str) -> None:
    with pytest.raises(ConfigError, match="no origin"):
        create_key(file, "page", EVENTS, origins=[origin])


def test_origins_are_written_as_browsers_do(file: Path) -> None:
    origins = ["HTTPS://Shop.Example:443/", "http://localhost:3000", "http://[::1]:80"]
    created = create_key(file, "page", EVENTS, origins=origins)
    assert created.key.origins == ("https://shop.example", "http://localhost:3000", "http://[::1]")


def test_a_page_may_not_have_more_scopes_than_two(file: Path) -> None:
    with pytest.raises(ConfigError, match="no page may have"):
        create_key(file, "page", ADMIN, origins=["https://shop.example"])


def test_a_change_of_the_file_is_followed(file: Path) -> None:
    one = create_key(file, "one", EVENTS)
    keys = KeyFile(file)
    assert keys.find(one.secret) == one.key
    assert keys.find(one.key.sha256) is None
    two = create_key(file, "two", EVENTS, origins=["https://shop.example"])
    until(lambda: keys.find(two.secret) == two.key)
    assert keys.shared_with("https://shop.example")
    revoke_key(file, "one")
    until(lambda: keys.find(one.secret) is None)
    revoke_key(file, "two")
    until(lambda: keys.find(two.secret) is None)
    assert not keys.shared_with("https://shop.example"), "without any key nobody comes in"


def test_a_file_that_breaks_locks_nobody_out(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    one = create_key(file, "one", EVENTS)
    keys = KeyFile(file)
    for broken in ("short\n", None):
        if broken is None:
            file.unlink()
        else:
            file.write_text(broken)
        caplog.clear()
        until(lambda: keys.find(one.secret) and "stay as they were" in caplog.text)
    assert keys.find(one.secret) == one.key


def test_a_key_ends(file: Path) -> None:
    past, future = datetime.now(UTC) - timedelta(seconds=1), datetime.now(UTC) + timedelta(hours=1)
    assert create_key(file, "old", EVENTS, past).key.expired()
    assert not create_key(file, "new", EVENTS, future).key.expired()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(file: Path) -> None:
    create_key(file, "one", EVENTS)
    file.chmod(0)
    with pytest.raises(ConfigError, match="cannot be read"):
        KeyFile(file)
