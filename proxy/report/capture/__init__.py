"""What a capture tells, for people and for programs.

lines.py      one event in a line or two: the columns of a sequence
sequence.py   the lines by connection, or in their order in time; spool.py: what is kept of them meanwhile
retries.py    retries and lost acks as stories, with verdicts
closing.py    what was read, what was not and why, and what to do about it
as_json.py    all of it as one JSON document, written as it comes
"""
