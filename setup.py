"""Compiles the modules that are worth it, where Cython and a C compiler are there; they are Python all the same.

Cython finds the types of a module (`scan.pxd`) by the module's full name, and our folder is called otherwise: so it
gets copies in folders of the right names.
"""

import filecmp
import os
import sys
from pathlib import Path
from shutil import copy

from setuptools import Extension, setup

MODULES = tuple(f"core.{name}" for name in ("lane", "unanswered", "batches", "scan", "several", "large"))
MODULES += tuple(f"relay.{name}" for name in ("road", "poller", "end"))
OF_LINUX = ("relay.kernel", "relay.epoll")
"""What there is no Python for, and no need of elsewhere."""
HOW = ["-g0"]
"""Nobody debugs what Cython has written, and to leave that out saves a quarter of the time."""
SOURCES, BUILD = Path("proxy"), Path("build/cython")


def compiled() -> list[Extension]:
    try:
        from Cython.Build import cythonize
    except ImportError:
        return []
    types = {"annotation_typing": False, "boundscheck": False, "wraparound": False}
    modules: list[Extension] = cythonize(
        [Extension(f"ackdrop.{module}", [str(at_home(module))], extra_compile_args=HOW) for module in modules_here()],
        include_path=[str(BUILD)],
        language_level=3,
        compiler_directives=types,
    )
    for each in modules:
        each.optional = True  # cythonize makes extensions of its own
    return modules


def modules_here() -> tuple[str, ...]:
    return MODULES + OF_LINUX if sys.platform == "linux" else MODULES


def at_home(module: str) -> Path:
    """A copy of the module's source, and of its types, in the folder of its package's name."""
    path = Path(*module.split("."))
    target = BUILD / "ackdrop" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    for package in (target.parent, BUILD / "ackdrop"):
        (package / "__init__.py").touch()
    for suffix in (".py", ".pyx", ".pxd"):
        source, copied = SOURCES / path.with_suffix(suffix), target.with_suffix(suffix)
        if source.exists() and not (copied.exists() and filecmp.cmp(source, copied, shallow=False)):
            copy(source, copied)  # a new copy is translated anew
    return target.with_suffix(".pyx" if module in OF_LINUX else ".py")


setup(ext_modules=compiled(), options={"build_ext": {"parallel": os.cpu_count()}})
