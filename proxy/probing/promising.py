"""What a promise is made of, before it is held against anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Release = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Promised:
    """What documents or sources say of the steps of a case.

    `since` are the releases with which it began, one for each line of releases that got it: a release is meant from
    such a one on within its line (the first two numbers), and every line after the last of them. `until` are those with
    which it ended, in the same way. Without `since` it is meant for all that came before `until`. `spoken` maps APIs to
    the lowest and the highest version in which it is meant.
    """

    case: str
    says: str
    source: str
    steps: Mapping[str, tuple[str, ...]]
    since: tuple[Release, ...] = ()
    until: tuple[Release, ...] = ()
    spoken: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def releases(self) -> str:
        """For which releases it is meant, in words."""
        told = [f"{word} {', '.join('.'.join(map(str, one)) for one in ones)}" for word, ones in self._bounds() if ones]
        return ", ".join(told) or "all"

    def _bounds(self) -> tuple[tuple[str, tuple[Release, ...]], ...]:
        return ("since", self.since), ("before", self.until)

    def meant_for(self, release: Release | None) -> bool | None:
        """Whether a broker of this release is meant; None where that cannot be said."""
        if release is None:
            return None if self.since or self.until else True
        return (not self.since or _reached(release, self.since)) and not _reached(release, self.until)

    def meant_in(self, spoken: Iterable[tuple[str, int]]) -> bool:
        """Whether requests of these APIs and versions are all of those that it is about."""
        anything = (0, 1 << 15)
        return all(low <= version <= high for api, version in spoken for low, high in [self.spoken.get(api, anything)])


def _reached(release: Release, bounds: tuple[Release, ...]) -> bool:
    line = release[:2]
    return any(line == one[:2] and release >= one for one in bounds) or (
        bool(bounds) and line > max(one[:2] for one in bounds)
    )
