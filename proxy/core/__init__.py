"""A run's wire, sans-io: bytes go in with the time, commands come out; no socket, no clock, no thread.

wire.py        what spans connections: attempts, rule counters, topic ids, nodes, start offsets, timers
connection.py  one client's connection: what becomes of each frame
exchanges.py   the requests of a connection that wait for their answers, in order
ends.py        how a connection falls silent, and how it ends
assembly.py    bytes to frames: whole ones where a frame matters, streamed ones where it does not
outlet.py      bytes out, in order: at once, later, or never
produce.py     produce requests and answers: attempts, and what became of them
judging.py     what the rules say of a produce frame
routing.py     answers that carry addresses, versions or topic ids
attempts.py    whose retry is this? The index
alike.py       the rule by which one attempt is known as a retry of another
identities.py  what the records of a batch are known by
lost_records.py  the records of lost attempts
copies.py      copies of requests that ackdrop itself sends, behind the original
copy_connection.py  or on a connection of its own
commands.py    what the relay is told to do
"""
