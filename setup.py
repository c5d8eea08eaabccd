"""Compiles the one module that is worth it, where Cython and a C compiler are there; it is Python all the same.

Cython finds the types of a module (`scan.pxd`) by the module's full name, and our folder is called otherwise: so it
gets copies in folders of the right names.
"""

from pathlib import Path
from shutil import copy

from setuptools import Extension, setup

PACKAGE, MODULE = "ackdrop.core", "scan"
SOURCES, BUILD = Path("proxy/core"), Path("build/cython")


def compiled() -> list[Extension]:
    try:
        from Cython.Build import cythonize
    except ImportError:
        return []
    folder = BUILD.joinpath(*PACKAGE.split("."))
    folder.mkdir(parents=True, exist_ok=True)
    for each in (folder, *folder.parents[: PACKAGE.count(".")]):
        (each / "__init__.py").touch()
    for suffix in (".py", ".pxd"):
        copy(SOURCES / f"{MODULE}{suffix}", folder)
    extension = Extension(f"{PACKAGE}.{MODULE}", [str(folder / f"{MODULE}.py")])
    types = {"annotation_typing": False, "boundscheck": False, "wraparound": False}
    modules: list[Extension] = cythonize(
        [extension], include_path=[str(BUILD)], language_level=3, compiler_directives=types
    )
    for each in modules:
        each.optional = True  # cythonize makes extensions of its own
    return modules


setup(ext_modules=compiled())
