"""The pages that people look at: storefront at ``/``, dashboard at ``/dashboard``, and their files at ``/static``.

Plain HTML, CSS and ES modules out of the package. The headers forbid the browser to load anything from elsewhere and
to run any script that is not one of these files.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from fastapi import FastAPI
    from starlette.types import Scope

FOLDER: Final = Path(__file__).parent / "static"
PAGES: Final = {"/": "storefront.html", "/dashboard": "dashboard.html"}
"""Path of each page and the file that is sent."""
FILES_ROUTE: Final = "/static/{path:path}"
"""Route of their files."""
TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml"}
"""Media types of our own, because those of a machine's registry may be wrong."""
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
"""``no-cache`` lets the browser keep a file and makes it ask whether that is still the one."""


class PageFiles(StaticFiles):
    """Files of the pages, with our headers and media types."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """One file, or 304 where the browser has it already."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(HEADERS)
        suffix = Path(full_path).suffix
        if response.status_code == status_code and suffix in TYPES:
            response.headers["Content-Type"] = f"{TYPES[suffix]}; charset=utf-8"
        return response


def mount_pages(app: FastAPI) -> None:
    """Adds the pages and their files to an application."""
    files = PageFiles(directory=FOLDER)

    async def file(request: Request) -> Response:
        return await files.get_response(request.path_params["path"], request.scope)

    for path, name in PAGES.items():
        app.add_api_route(path, _page(name), methods=["GET", "HEAD"], include_in_schema=False)
    # an API route: neither a mount nor a plain route has a name in logs, metrics and traffic
    app.add_api_route(FILES_ROUTE, file, methods=["GET", "HEAD"], include_in_schema=False)


def _page(name: str) -> Callable[[], FileResponse]:
    """A function that answers with one page."""

    def page() -> FileResponse:
        return FileResponse(FOLDER / name, headers=HEADERS, media_type="text/html")

    return page
