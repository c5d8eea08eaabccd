"""The control API: what a proxy does, and its faults, over HTTP. OpenAPI describes it at /openapi.json.

Every function runs on the proxy's own event loop, so what it tells is of one moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from .. import __version__
from ..errors import AckdropError, ScenarioError
from .findings import Findings, findings
from .guard import App, Guard
from .metrics import CONTENT_TYPE, Metrics
from .port import About, Handle, NoSuchFault
from .retries import MOST_RETRIES
from .snapshot import FaultState, Snapshot

ABOUT = """\
Looks at a running `ackdrop proxy`, and changes its faults. Every path but `/health` and `/metrics` needs the token that
the proxy has said, as `Authorization: Bearer TOKEN`.
"""
SCHEMAS = "scenario."
"""What the names of schemas begin with that come from the language of scenarios."""
_REFERENCE = f"#/components/schemas/{SCHEMAS}"
_ENTRY = {"$ref": f"{_REFERENCE}FaultSpec"}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A fault, a list of faults, or a whole scenario of which only the faults are taken.",
        "content": {
            "application/yaml": {"schema": {"type": "string"}},
            "application/json": {"schema": {"anyOf": [_ENTRY, {"type": "array", "items": _ENTRY}]}},
        },
    }
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something was not done: what is wrong, what to do about it, and each error of a fault with its place."""

    error: str
    remedy: str | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """`status` is `ok` while the ledger loses nothing, else `losing`: then the run will prove nothing."""

    status: str
    version: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, and what stands for it in a scenario's `faults`."""

    state: FaultState
    entry: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """What the proxy is, and what is happening."""

    about: About
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Added:
    """The faults that were added, and what is in vain about them."""

    faults: tuple[Fault, ...]
    warnings: tuple[str, ...]


_PROBLEM: dict[str, Any] = {"model": Problem}
_OF_ALL: dict[int | str, dict[str, Any]] = {
    401: {**_PROBLEM, "description": "The token is missing or wrong."},
    413: {**_PROBLEM, "description": "The body is too large."},
    421: {**_PROBLEM, "description": "The request was sent to another host."},
    422: {**_PROBLEM, "description": "What was asked for cannot be done; nothing was changed."},
}
_NO_SUCH: dict[int | str, dict[str, Any]] = {404: {**_PROBLEM, "description": "There is no such fault."}}
Name = Annotated[str, Path(description="The fault's name, percent-encoded.", min_length=1, max_length=200)]


def application(handle: Handle, token: str) -> App:
    """The API of one proxy, as an ASGI application behind its guard."""
    api = FastAPI(
        title="ackdrop control",
        version=__version__,
        description=ABOUT,
        docs_url=None,
        generate_unique_id_function=lambda route: route.name,
        redoc_url=None,
        license_info={"name": "MIT"},
    )

    api.include_router(_open_to_all(handle))
    api.openapi = lambda: _described(FastAPI.openapi(api), handle)  # type: ignore[method-assign]
    api.include_router(_routes(handle), responses=_OF_ALL)
    api.add_exception_handler(AckdropError, _refused)
    api.add_exception_handler(RequestValidationError, _not_valid)
    api.add_exception_handler(HTTPException, _http)
    return Guard(api, token)


def window(handle: Handle) -> App:
    """What may be seen by all, and nothing else: `/health` and `/metrics`, for Prometheus and for probes."""
    api = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    api.include_router(_open_to_all(handle))
    return api


def _open_to_all(handle: Handle) -> APIRouter:
    metrics, routes = Metrics(handle.snapshot), APIRouter()

    @routes.get("/health", tags=["proxy"])
    async def health() -> Health:
        """Whether the proxy runs, and its ledger keeps up."""
        snapshot = handle.snapshot()
        return Health("losing" if snapshot.ledger.let_go else "ok", __version__, snapshot.seconds)

    @routes.get("/metrics", tags=["proxy"], response_class=PlainTextResponse)
    async def prometheus() -> Response:
        """The metrics, in Prometheus' text format."""
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return routes


def _described(document: dict[str, Any], handle: Handle) -> dict[str, Any]:
    """The document with the schemas of the language of scenarios, once."""
    schemas = document["components"]["schemas"]
    if f"{SCHEMAS}FaultSpec" not in schemas:
        schemas.update({f"{SCHEMAS}{name}": schema for name, schema in handle.schema(_REFERENCE).items()})
    return document


def _routes(handle: Handle) -> APIRouter:
    scheme = HTTPBearer(auto_error=False, description="The token of this proxy.")  # the guard looks at it
    routes = APIRouter(prefix="/v1", dependencies=[Depends(scheme)])

    def told(name: str) -> Fault:
        return Fault(handle.fault(name), handle.entry(name))

    @routes.get("/state", tags=["proxy"])
    async def state() -> State:
        """What the proxy is, and what is happening: connections, listeners, rates, retries, faults, last events."""
        return State(handle.about(), handle.snapshot())

    @routes.get("/findings", tags=["proxy"])
    async def found(
        last: Annotated[int, Query(ge=0, le=MOST_RETRIES, description="How many retries are told.")] = 100,
    ) -> Findings:
        """What the wire has shown so far, and what only the report will tell."""
        return findings(handle.snapshot(), handle.retries(last) if last else [])

    @routes.get("/faults", tags=["faults"])
    async def faults() -> tuple[Fault, ...]:
        """All faults, in the order in which they are asked."""
        return tuple(Fault(one, handle.entry(one.name)) for one in handle.snapshot().faults)

    @routes.post("/faults", tags=["faults"], status_code=201, openapi_extra=BODY)
    async def add(request: Request) -> Added:
        """Add faults behind the others, armed."""
        names, warnings = await handle.add(await request.body())
        return Added(tuple(map(told, names)), tuple(warnings))

    @routes.post("/faults/reset", tags=["faults"])
    async def reset_all() -> tuple[Fault, ...]:
        """Let all faults count from nothing."""
        handle.reset(None)
        return await faults()

    @routes.get("/faults/{name:path}", tags=["faults"], responses=_NO_SUCH)
    async def fault(name: Name) -> Fault:
        """One fault."""
        return told(name)

    @routes.delete("/faults/{name:path}", tags=["faults"], responses=_NO_SUCH, status_code=204, response_class=Response)
    async def remove(name: Name) -> None:
        """Take a fault out. What it has done to a frame stays done; what it lays on connections ends."""
        handle.remove(name)

    @routes.post("/faults/{name:path}/arm", tags=["faults"], responses=_NO_SUCH)
    async def arm(name: Name) -> Fault:
        """Ask a fault again that rests."""
        handle.arm(name)
        return told(name)

    @routes.post("/faults/{name:path}/disarm", tags=["faults"], responses=_NO_SUCH)
    async def disarm(name: Name) -> Fault:
        """Let a fault rest: it neither counts nor fires."""
        handle.disarm(name)
        return told(name)

    @routes.post("/faults/{name:path}/reset", tags=["faults"], responses=_NO_SUCH)
    async def reset(name: Name) -> Fault:
        """Let a fault count from nothing."""
        handle.reset(name)
        return told(name)

    return routes


async def _refused(request: Request, error: Exception) -> Response:
    """An error of ours: what is wrong, and what to do about it."""
    assert isinstance(error, AckdropError)
    status = 404 if isinstance(error, NoSuchFault) else 422
    problems = error.problems if isinstance(error, ScenarioError) else []
    return _problem(status, error.message, error.remedy, problems)


async def _not_valid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    return _problem(422, "; ".join(found), "see /openapi.json", found)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    text = f"{request.method} {request.url.path}: {error.detail}"
    answer = _problem(error.status_code, text, "see /openapi.json", [])
    answer.headers.update(error.headers or {})
    return answer


def _problem(status: int, error: str, remedy: str | None, problems: list[str]) -> Response:
    return JSONResponse({"error": error, "remedy": remedy, "problems": problems}, status)
