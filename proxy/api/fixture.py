"""What stands behind the fixtures of the pytest plugin, imported once a test asks for one of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from ..errors import AckdropError, UsageError
from ..report.clean import clean
from ..security import ANYBODY
from . import claims, words
from .options import Options, check
from .proxy import Broker, Proxy

MARKER, VARIABLE = "ackdrop", "ACKDROP_BOOTSTRAP"

_OURS = re.compile(r"--(allow-remote|bootstrap|out)\b")


class TestedProxy(Proxy):
    """A `Proxy` whose claims fail a test, or skip it where nothing is proved and the project asks for that."""

    __test__ = False
    skips = False

    def sections(self, excinfo: pytest.ExceptionInfo[BaseException] | None) -> list[tuple[str, str]]:
        """What happened, for a failure that does not say it itself."""
        if excinfo is None or _is_claim(excinfo.value):
            return []
        observed = self.observe()
        lines = [words.figures(observed), *words.chains_of(observed), f"report: {self.folder / 'report.html'}"]
        return [("ackdrop", "\n".join(map(clean, lines)))]

    def _judge(self, claim: claims.Claim) -> None:
        __tracebackhide__ = True
        try:
            super()._judge(claim)
        except claims.Inconclusive as error:
            if not self.skips:
                raise
            raise pytest.skip.Exception(str(error)) from None


def check_markers(item: pytest.Item) -> None:
    """Raises pytest.UsageError for a marker that cannot be understood."""
    for marker in item.iter_markers(MARKER):
        if marker.args:
            raise pytest.UsageError(f"{item.nodeid}: the marker `ackdrop` takes keywords, as in scenario=...")
        try:
            check(marker.kwargs)
        except UsageError as error:
            raise pytest.UsageError(f"{item.nodeid}: the marker `ackdrop`: {_told(error)}") from error


@contextmanager
def broker(config: pytest.Config, options: Options) -> Iterator[Broker]:
    """The broker that is named on the command line, in the ini file or in the environment; else an embedded one."""
    named = _asked(config, "bootstrap") or os.environ.get(VARIABLE)
    security = options.get("security", ANYBODY)
    opened = Broker.start(named, allow_remote=_remote(config, options), security=security)
    with _failing(), opened as running:
        yield running


@contextmanager
def tested(
    request: pytest.FixtureRequest, running: Broker, options: Options, folders: pytest.TempPathFactory
) -> Iterator[TestedProxy]:
    """The proxy of a test. What the test's markers say wins over the session's options, the nearest marker first."""
    config, node = request.config, request.node
    out = _asked(config, "out")
    said: dict[str, Any] = {
        "title": node.nodeid,
        "out": Path(out) if out else folders.getbasetemp() / "ackdrop",
        "allow_remote": _remote(config, options),
        **options,
    }
    for marker in reversed([*node.iter_markers(MARKER)]):
        said |= marker.kwargs
    with _failing(), TestedProxy.start(broker=running, **cast(Options, said)) as proxy:
        proxy.skips = _inconclusive(config) == "skip"
        yield proxy
    node.user_properties += _properties(proxy)


def _properties(proxy: Proxy) -> list[tuple[str, str]]:
    """What JUnit's file says of the test: texts, since pytest-xdist hands nothing else over."""
    report = proxy.verify()
    told = {
        "verdict": report.verdict,
        "reasons": " ".join(reason.code for reason in report.reasons),
        "faults": sum(report.observed.fired.values()),
        "retries": report.observed.retries,
        "duplicates": report.duplicates,
        "report": report.folder / "report.html",
    }
    return [(f"ackdrop.{name}", "unknown" if value is None else str(value)) for name, value in told.items()]


@contextmanager
def _failing() -> Iterator[None]:
    """An error of ours fails the test by its own words, without a traceback through ackdrop."""
    __tracebackhide__ = True
    try:
        yield
    except AckdropError as error:
        raise pytest.fail.Exception(f"ackdrop: {_told(error)}", pytrace=False) from None


def _told(error: AckdropError) -> str:
    """What is wrong, and what to do about it, with options by the names that they have here."""
    text = error.message if error.remedy is None else f"{error.message}\ntry: {error.remedy}"
    return _OURS.sub(r"--ackdrop-\1", text)


def _is_claim(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_claim, error.exceptions))
    return isinstance(error, claims.ClaimFailed)


def _asked(config: pytest.Config, name: str) -> str | None:
    """An option of the command line, else the line of the ini file; None where neither says anything."""
    return config.getoption(f"ackdrop_{name}") or config.getini(f"ackdrop_{name}") or None


def _inconclusive(config: pytest.Config) -> str:
    word = _asked(config, "inconclusive") or "fail"
    if word not in ("fail", "skip"):
        raise pytest.UsageError(f"ackdrop_inconclusive = {word}: it is fail or skip")
    return word


def _remote(config: pytest.Config, options: Options) -> bool:
    return bool(options.get("allow_remote") or _asked(config, "allow_remote"))
