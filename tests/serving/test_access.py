"""Who may ask what: every kind of key at every address, pages of other origins, and what holds without keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from shopkeeper.errors import ConfigError
from shopkeeper.serving.access.keys import CreatedKey, KeyScope, create_key
from shopkeeper.serving.access.local import check_address
from shopkeeper.serving.access.scopes import is_open, scopes_of
from shopkeeper.serving.access.user_tokens import sign_user
from shopkeeper.serving.app import create_app
from shopkeeper.serving.settings import ServiceSettings

SHOP, EVIL, FRIEND = "https://shop.example", "https://evil.example", "https://friend.example"
EVENT = {"user_id": "page-user", "item_id": "sku-001", "event_type": "view"}
NEEDED = {
    ("POST", "/events"): "events",
    ("POST", "/recommendations"): "recommend",
    ("POST", "/predictions"): "recommend",
    ("GET", "/questionnaire"): "recommend",
    ("GET", "/categories"): "recommend items",
    ("GET", "/items"): "recommend items",
    ("GET", "/items/sku-001"): "recommend items",
    ("GET", "/items/sku-001/similar"): "recommend items",
    ("POST", "/items"): "items",
    ("PATCH", "/items/sku-001"): "items",
    ("DELETE", "/items/nothing"): "items",
    ("GET", "/metrics"): "metrics",
    ("GET", "/users"): "",
    ("GET", "/users/c1"): "",
    ("DELETE", "/users/nobody"): "",
    ("GET", "/card"): "",
    ("GET", "/dashboard/data"): "",
    ("GET", "/what-nobody-knows"): "",
}
"""Scopes that open an address beside *admin*, written down apart from the code."""


@pytest.fixture(scope="module")
def clients(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., TestClient]]:
    """Applications by their settings, each made once."""
    made: dict[str, TestClient] = {}
    folder = tmp_path_factory.mktemp("access")
    with ExitStack() as stack:

        def client(**settings: object) -> TestClient:
            name = repr(sorted(settings.items()))
            if name not in made:
                database = str(folder / f"{len(made)}.db")
                chosen = ServiceSettings(database=database, access_log=False, **settings)  # type: ignore[arg-type]
                made[name] = stack.enter_context(TestClient(create_app(bundle, chosen), "http://localhost:8080"))
            return made[name]

        yield client


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, CreatedKey]]:
    file = tmp_path_factory.mktemp("keys") / "keys.txt"
    made = {scope.value: create_key(file, scope.value, frozenset({scope})) for scope in KeyScope}
    made["old"] = create_key(file, "old", frozenset({KeyScope.ADMIN}), datetime.now(UTC) - timedelta(seconds=1))
    made["page"] = create_key(file, "page", frozenset({KeyScope.EVENTS, KeyScope.RECOMMEND}), origins=[SHOP])
    made["other page"] = create_key(file, "other-page", frozenset({KeyScope.RECOMMEND}), origins=[FRIEND])
    return file, made


@pytest.fixture
def locked(clients: Callable[..., TestClient], keys: tuple[Path, dict[str, CreatedKey]]) -> TestClient:
    return clients(api_key_file=keys[0])


@pytest.fixture
def ask(locked: TestClient, keys: tuple[Path, dict[str, CreatedKey]]) -> Callable[..., httpx.Response]:
    """Sends a request with a key, as a page of an origin, for a user."""

    def send(method: str, path: str, key: str, origin: str | None = None, user: str | None = None, **more: object):  # type: ignore[no-untyped-def]
        created = keys[1][key]
        headers = {"X-API-Key": created.secret} | ({"Origin": origin} if origin else {})
        if user is not None:
            headers["X-User-Token"] = sign_user(created.key.user_secret or "", user, 60)
        return locked.request(method, path, headers=headers | more.pop("headers", {}), **more)  # type: ignore[operator]

    return send


@pytest.mark.parametrize("scope", list(KeyScope))
@pytest.mark.parametrize(("method", "path"), NEEDED)
def test_a_key_opens_what_its_scope_says(
    ask: Callable[..., httpx.Response], scope: str, method: str, path: str
) -> None:
    answer = ask(method, path, scope, json={} if method in ("POST", "PATCH") else None)
    opened = scope == "admin" or scope in NEEDED[method, path].split()
    assert (answer.status_code != 403) is opened, answer.text
    assert answer.status_code != 401
    if not opened:
        assert answer.json()["error"]["problem"] == f"the key '{scope}' may not do this"


def test_every_address_is_named_above(locked: TestClient) -> None:
    """One that is added is seen here: it needs *admin*, or a line in NEEDED."""
    for path, operations in locked.get("/openapi.json").json()["paths"].items():
        for method in operations:
            if not is_open(path):
                example = path.replace("{id}", "sku-001")
                admin_alone = scopes_of(method.upper(), path) == {KeyScope.ADMIN}
                assert admin_alone or (method.upper(), example) in NEEDED or (method.upper(), path) in {
                    ("DELETE", "/items/{id}")
                }  # fmt: skip


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-API-Key": ""}, {"X-API-Key": "unknown-key-of-nobody"}, {"Authorization": "Bearer"},
     {"Authorization": "Bearer "}, {"Authorization": "Basic {}"}, {"Authorization": "{}"}, {"X-API-Key": "{}x"},
     {"X-API-Key": "wrong", "Authorization": "Bearer {}"}, {"Cookie": "X-API-Key={}"}],
)  # fmt: skip
def test_what_is_no_key_opens_nothing(
    locked: TestClient, keys: tuple[Path, dict[str, CreatedKey]], headers: dict[str, str]
) -> None:
    secret = keys[1]["admin"].secret
    given = {name: value.replace("{}", secret) for name, value in headers.items()}
    answer = locked.get("/items", headers=given)
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert locked.get(f"/items?api_key={secret}").status_code == 401


def test_a_key_comes_in_either_header(locked: TestClient, keys: tuple[Path, dict[str, CreatedKey]]) -> None:
    secret = keys[1]["recommend"].secret
    for headers in (
        {"X-API-Key": secret},
        {"Authorization": f"Bearer {secret}"},
        {"authorization": f"bearer {secret}"},
    ):
        assert locked.get("/items", headers=headers).status_code == 200


def test_an_expired_key_is_named(ask: Callable[..., httpx.Response]) -> None:
    answer = ask("GET", "/items", "old")
    assert answer.status_code == 401
    assert answer.json()["error"]["got"] == "'old', which has expired"


def test_a_browser_key_belongs_to_its_pages(ask: Callable[..., httpx.Response]) -> None:
    answer = ask("GET", "/items", "page", SHOP)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, SHOP)
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    for origin in (EVIL, "null", None, "http://shop.example", "https://shop.example.evil.example", f"{SHOP}:8443"):
        answer = ask("GET", "/items", "page", origin)
        assert answer.status_code == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert ask("GET", "/items", "page", FRIEND).status_code == 403, "that of another browser key"
    assert ask("GET", "/items", "page", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_a_browser_key_speaks_for_the_user_of_its_token(ask: Callable[..., httpx.Response]) -> None:
    def status(path: str, body: object, user: str | None) -> int:
        return ask("POST", path, "page", SHOP, user, json=body).status_code

    others = EVENT | {"user_id": "c1"}
    assert status("/events", EVENT, "page-user") == 200
    assert status("/events", [EVENT, EVENT], "page-user") == 200
    assert status("/events", EVENT, None) == 403
    assert status("/events", EVENT, "c1") == 403
    assert status("/events", [EVENT, others], "page-user") == 403
    assert status("/recommendations", {"user_id": "page-user"}, "page-user") == 200
    assert status("/recommendations", {"user_id": "c1"}, "page-user") == 403
    assert status("/recommendations", {"user_id": "c1"}, None) == 403
    assert status("/recommendations", {"user_id": "c1", "history": ["sku-001"]}, None) == 403
    assert status("/recommendations", {"history": ["sku-001"]}, None) == 200
    assert ask("POST", "/events", "events", json=others).status_code == 200, "a key of a server speaks for all"
    assert ask("POST", "/predictions", "page", SHOP, "page-user", json={"user_id": "page-user"}).status_code == 403
    for method, path in (("GET", "/users/page-user"), ("DELETE", "/users/page-user"), ("GET", "/metrics")):
        assert ask(method, path, "page", SHOP, "page-user").status_code == 403


def test_a_token_of_another_secret_is_refused(ask: Callable[..., httpx.Response]) -> None:
    for token in ("x", sign_user("another", "page-user", 60), sign_user("", "page-user", 60)):
        answer = ask("POST", "/events", "page", SHOP, json=EVENT, headers={"X-User-Token": token})
        assert answer.status_code == 401
        assert answer.headers["Access-Control-Allow-Origin"] == SHOP, "the page may read why"


def test_event_ids_of_pages_are_their_own(ask: Callable[..., httpx.Response]) -> None:
    """Nobody takes the id of an order to come; the same page may send twice all the same."""

    def post(key: str, user_id: str, **page: str) -> dict[str, object]:
        body = EVENT | {"user_id": user_id, "event_id": "order-1", "timestamp": 1_700_000_000}
        found: dict[str, object] = ask("POST", "/events", key, json=body, **page).json()
        return found

    first = post("page", "page-user", origin=SHOP, user="page-user")
    assert first["duplicates"] == 0
    assert post("page", "page-user", origin=SHOP, user="page-user")["duplicates"] == 1
    assert post("page", "another", origin=SHOP, user="another")["duplicates"] == 0
    assert post("events", "c1")["duplicates"] == 0


def preflight(client: TestClient, origin: str) -> httpx.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    return client.options("/events", headers=asked)


def test_browsers_are_told_which_pages_may_ask(clients: Callable[..., TestClient], locked: TestClient) -> None:
    answer = preflight(locked, SHOP)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, SHOP)
    assert "X-User-Token" in answer.headers["Access-Control-Allow-Headers"]
    for client in (locked, clients()):
        answer = preflight(client, EVIL)
        assert answer.status_code in (401, 403)
        assert "Access-Control-Allow-Origin" not in answer.headers
    friendly = clients(cors_origins=(FRIEND,))
    assert preflight(friendly, FRIEND).status_code == 204
    answer = friendly.post("/events", json=EVENT, headers={"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, FRIEND)
    assert friendly.post("/events", json=EVENT, headers={"Origin": EVIL}).status_code == 403


FOREIGN = [
    {"Origin": EVIL},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://localhost:3000"},
    {"Origin": "http://localhost"},
    {"Origin": "http://127.0.0.1:8080"},
    {"Origin": "http://localhost:8080@evil.example"},
    {"Origin": "http://localhost:8080.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Host": "evil.example"},
    {"Host": "evil.example:8080"},
    {"Host": "localhost.evil.example"},
    {"Host": "127.0.0.1.evil.example:8080"},
    {"Host": "evil@localhost:8080"},
    {"Host": "127.0.0.1@evil.example"},
    {"Host": ""},
    {"Host": "[::1"},
    {"Host": "192.168.1.7:8080"},
    {"Host": "evil.example", "Origin": "http://evil.example"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize(("method", "path"), [("POST", "/events"), ("GET", "/items"), ("DELETE", "/users/c1")])
def test_without_keys_no_foreign_page_comes_in(
    clients: Callable[..., TestClient], headers: dict[str, str], method: str, path: str
) -> None:
    answer = clients().request(method, path, headers=headers, json=EVENT if method == "POST" else None)
    assert answer.status_code == 403, answer.text
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [{}, {"Host": "127.0.0.1"}, {"Host": "127.9.9.9:1"}, {"Host": "[::1]:8080"}, {"Host": "LOCALHOST:8080"},
     {"Origin": "http://localhost:8080"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"},
     {"Host": "127.0.0.1:99", "Origin": "http://127.0.0.1:99"}],
    ids=str,
)  # fmt: skip
def test_without_keys_this_machine_comes_in(clients: Callable[..., TestClient], headers: dict[str, str]) -> None:
    assert clients().post("/events", headers=headers, json=EVENT).status_code == 200


def test_a_link_may_lead_to_the_pages(clients: Callable[..., TestClient]) -> None:
    follows = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert clients().get("/", headers=follows).status_code == 200
    assert clients().post("/events", json=EVENT, headers=follows).status_code == 403, "that is a form"


@pytest.mark.parametrize(
    ("kind", "status"),
    [("text/plain", 415), ("application/x-www-form-urlencoded", 415), ("multipart/form-data; boundary=x", 415),
     ("", 415), ("application/jsonx", 415), ("text/json", 415), ("application/json", 200),
     ("Application/JSON; charset=utf-8", 200), ("application/vnd.shop+json", 200)],
)  # fmt: skip
def test_without_keys_a_body_is_said_to_be_json(clients: Callable[..., TestClient], kind: str, status: int) -> None:
    body = b'{"user_id": "c1", "item_id": "sku-001", "event_type": "view"}'
    assert clients().post("/events", content=body, headers={"Content-Type": kind}).status_code == status


def test_a_trusted_host_is_answered(clients: Callable[..., TestClient]) -> None:
    trusting = clients(trusted_hosts=("Shop.lan",))
    assert trusting.get("/items", headers={"Host": "shop.lan:8080"}).status_code == 200
    assert trusting.get("/items", headers={"Host": "evil.example"}).status_code == 403
    assert clients(host="192.168.1.7").get("/items", headers={"Host": "192.168.1.7:8080"}).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.7", "shop.lan", "10.0.0.1"])  # noqa: S104
def test_without_keys_it_listens_to_this_machine_alone(host: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="without API keys does not listen"):
        check_address(ServiceSettings(host=host))
    check_address(ServiceSettings(host=host, api_key_file=tmp_path / "keys.txt"))
    check_address(ServiceSettings(host=host, trusted_hosts=("shop.lan",)))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "localhost", "::1"])
def test_this_machine_needs_no_keys(host: str) -> None:
    check_address(ServiceSettings(host=host))


@pytest.mark.parametrize("origin", ["*", "shop.example", "https://shop.example/x"])
def test_origins_of_settings_are_whole(origin: str) -> None:
    with pytest.raises(ConfigError, match="no origin"):
        ServiceSettings(cors_origins=(origin,))
