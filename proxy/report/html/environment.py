"""Jinja2 as we use it: every value is escaped and cleaned, one that is missing is an error.

The page carries its style and its script in itself, and a policy that lets the browser load nothing and run nothing
else: both are named by their hash (CSP level 2), so that even text that escaped our escaping could not act.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ..clean import clean


@cache
def environment() -> Environment:
    """The templates, with `style`, `script` and `policy` known to all of them."""
    made = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = _asset(made, "style.css"), _asset(made, "script.js")
    made.globals["style"], made.globals["script"] = style, script
    made.globals["policy"] = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return made


def _harmless(value: Any) -> Any:
    """What every `{{ }}` goes through before it is escaped. What is not known has to be said in words: None is not."""
    if value is None:
        raise TypeError("None cannot be shown")
    return value if isinstance(value, Markup | int | float) else clean(str(value))


def _asset(made: Environment, name: str) -> Markup:
    """A file of ours as it is. It holds nothing from outside."""
    assert made.loader is not None
    text, _, _ = made.loader.get_source(made, name)
    return Markup(text)


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"sha256-{digest}"
