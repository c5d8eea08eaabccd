"""Pages that are walked through: each of their blocks is taken as it stands, in a copy of the tree.

A block of code below a paragraph that names a file in backquotes is that file. A `diff` is a change of it: its lines
without a sign, and those with `-`, have to stand in the file, once and in a row. In a `console`, what stands behind `$`
is run by a shell at the root of the tree, and has to succeed; what stands below it, if anything does, has to come out,
and `…` stands for whatever there is. How much white space there is does not count: the width of a column is the
terminal's.
"""

from __future__ import annotations

import doctest
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from ackdrop.environment import inherited

ROOT = Path(__file__).parent.parent
DEADLINE = 120.0
_COMMAND = re.compile(r"^\$ (?P<command>.*)\n(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)
_LOOSELY = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_COPIED = ("proxy", "scenarios", "tests/conftest.py", "tests/faults", "tests/core", "tests/report/conftest.py")


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code. `file` is the last one that the paragraph before it names; None where that names none."""

    kind: str
    text: str
    file: str | None


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of code of a page, in their order."""
    named: list[str] = []
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "inline":
            named = [child.content for child in token.children or () if child.type == "code_inline"]
        elif token.type == "fence":
            files = [name for name in named if "." in name]
            yield Block(token.info, token.content, files[-1] if files else None)


class Tree:
    """A copy of what people work on, with `ackdrop`, `python` and `pytest` that are of it."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.root = folder / "tree"
        for name in _COPIED:
            source, target = ROOT / name, self.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True)
            else:
                shutil.copy2(source, target)
        shutil.copy2(ROOT / "pyproject.toml", self.root)
        (self.root / "ackdrop").symlink_to("proxy")
        programs = folder / "bin"
        programs.mkdir()
        for name, module in (("ackdrop", "-m ackdrop"), ("python", ""), ("pytest", "-m pytest -n 0")):
            program = programs / name
            program.write_text(f'#!/bin/sh\nexec {sys.executable} -P {module} "$@"\n')
            program.chmod(0o755)
        kept = inherited("ACKDROP_")
        own = {"PATH": f"{programs}:{kept['PATH']}", "PYTHONPATH": str(self.root), "COLUMNS": "80"}
        self._environment = {**kept, **own, **environment}

    def follow(self, page: Path) -> list[str]:
        """Do all that a page says; the commands that were run."""
        commands = []
        for block in blocks(page):
            if block.kind == "console":
                for found in _COMMAND.finditer(block.text):
                    self.run(found["command"], found["output"])
                    commands.append(found["command"])
            elif block.kind == "diff":
                assert block.file is not None, block.text
                self.change(block.file, block.text)
            elif block.file is not None:
                self.write(block.file, block.text)
        return commands

    def write(self, file: str, text: str) -> None:
        """A new file; one that is there already is to be changed, and not replaced."""
        assert not (self.root / file).exists(), file
        (self.root / file).parent.mkdir(parents=True, exist_ok=True)
        (self.root / file).write_text(text, encoding="utf-8")

    def change(self, file: str, diff: str) -> None:
        lines = diff.splitlines(keepends=True)
        before, after = ("".join(line[1:] for line in lines if line[0] != sign) for sign in "+-")
        text = (self.root / file).read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{file} has this {text.count(before)} times:\n{before}"
        (self.root / file).write_text(text.replace(before, after), encoding="utf-8")

    def run(self, command: str, output: str = "") -> None:
        """Run a command that has to succeed, and to print this."""
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.root,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        if output:
            expected = output.replace("…", "...")
            alike = doctest.OutputChecker().check_output(expected, done.stdout, _LOOSELY)
            assert alike, f"{command}\n{done.stdout}"
