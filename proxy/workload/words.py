"""The neutral words of a plan in a client's own terms (Python >= 3.8, standard library alone).

A client's table maps a neutral word to the names that it has in the client, each with the change of its unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

    Table = Mapping[str, "tuple[tuple[str, Callable[[Any], Any]], ...]"]

SECRETS = ("password", "secret", "token", "jaas", "key.pem", "oauthbearer.config")
MASK = "***"


def as_is(value: Any) -> Any:
    """The same value: the unit is the same."""
    return value


def milliseconds(seconds: float) -> int:
    """Seconds, in the whole milliseconds that the clients count in."""
    return round(seconds * 1000)


def none_is_absent(codec: str) -> str | None:
    """`none` as the clients in Python say it."""
    return None if codec == "none" else codec


def translate(
    words: Mapping[str, Any], table: Table, known: Container[str] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """(the client's own settings, the words that it does not have). Words that are None are left to the client.

    `known` holds the setting names that the installed version has, None where it cannot tell.
    """
    config, missing = {}, []
    for word, value in words.items():
        if value is None:
            continue
        targets = [(name, change) for name, change in table.get(word, ()) if known is None or name in known]
        config.update({name: change(value) for name, change in targets})
        if not targets:
            missing.append(word)
    return config, missing


def effective(config: Mapping[str, Any], table: Table, defaults: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The settings for a reader: what is given, and the client's defaults for the words that are not. Secrets masked.

    `defaults` is the client's own table of defaults, where it has one.
    """
    names = [name for targets in table.values() for name, _ in targets]
    known = {name: defaults[name] for name in names if defaults and name in defaults}
    return {name: shown(name, value) for name, value in {**known, **config}.items() if plain(value)}


def plain(value: Any) -> bool:
    """True for a value that JSON can say."""
    return value is None or isinstance(value, (bool, int, float, str, list, dict))


def shown(name: str, value: Any) -> Any:
    """A setting's value for a reader."""
    if is_secret(name):
        return MASK
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return str(value)
    return value


def is_secret(name: str) -> bool:
    """True for the name of a setting whose value nobody should read in a report."""
    return any(part in name.lower() for part in SECRETS)


def redact(text: str, settings: Mapping[str, Any]) -> str:
    """`text` in one line, shortened, without the secrets that are in `settings`."""
    for secret in secrets(settings):
        text = text.replace(secret, MASK)
    line = " ".join(text.split())
    return line if len(line) <= 500 else line[:499] + "…"


def secrets(settings: Mapping[str, Any]) -> Iterable[str]:
    """The secret values in `settings`."""
    return [value for name, value in settings.items() if is_secret(name) and isinstance(value, str) and value]
