"""How `show()` prints a part of a message: as scapy does, but in columns, and without what says nothing.

Names of fields are as wide as the widest of their packet; an empty list is `[]` where scapy prints a heading with
nothing below; bits that are reserved are left out as long as they are 0.
"""

from __future__ import annotations

from typing import Any

from scapy.config import conf
from scapy.fields import ConditionalField, Emph
from scapy.packet import Packet
from scapy.themes import AnsiColorTheme


def shown(packet: Any, *, dump: bool, indent: int, lvl: str, label_lvl: str) -> str:
    """The lines of this packet and of all that is in it and above it. The arguments are those of scapy's `show`."""
    theme: Any = AnsiColorTheme() if dump else conf.color_theme
    lines = f"{label_lvl}{theme.punct('###[')} {theme.layer_name(packet.name)} {theme.punct(']###')}\n"
    there = [field for field in packet.fields_desc if _says_something(packet, field)]
    width = max((len(field.name) for field in there), default=0)
    for field in there:
        lines += _field(packet, field, width, theme, dump=dump, indent=indent, before=label_lvl + lvl)
    if packet.payload:
        above = lvl + " " * indent * packet.show_indent
        lines += packet.payload._show_or_dump(
            dump=dump, indent=indent, lvl=above, label_lvl=label_lvl, first_call=False
        )
    return lines


def _says_something(packet: Any, field: Any) -> bool:
    if isinstance(field, ConditionalField) and not field._evalcond(packet):
        return False
    return bool(field.name != "reserved" or packet.getfieldval("reserved"))


def _field(packet: Any, field: Any, width: int, theme: Any, *, dump: bool, indent: int, before: str) -> str:
    emphasized = isinstance(field, Emph) or field in conf.emph
    name = (theme.emph_field_name if emphasized else theme.field_name)(field.name)
    room = " " * (width - len(field.name))
    value = packet.getfieldval(field.name)
    inside = value if isinstance(value, list) else [value]
    if inside and all(isinstance(one, Packet) for one in inside):
        mark = theme.punct("\\")
        lines = [f"{before}  {mark}{name}{room}{mark}\n"]
        lines += [
            one._show_or_dump(dump=dump, indent=indent, label_lvl=f"{before}   |", first_call=False) for one in inside
        ]
        return "".join(lines)
    text = "[]" if isinstance(value, list) and not value else str(field.i2repr(packet, value))
    text = text.replace("\n", "\n" + " " * (len(before) + width + 5))
    colour = theme.emph_field_value if emphasized else theme.field_value
    return f"{before}  {name}{room} {theme.punct('=')} {colour(text)}\n"
