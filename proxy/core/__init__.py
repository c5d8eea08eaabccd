"""A run's wire, sans-io: bytes go in with the time, commands come out; no socket, no clock, no thread.

What spans connections:
    wire.py        a run's connections, topic ids, start offsets, timers
    attempts.py    whose retry is this? The index
    alike.py       the rule by which one attempt is known as a retry of another
    identities.py  what the records of a batch are known by; lost_records.py: those of lost attempts
    detained.py    requests that are held back until something has happened
    lanes.py       attempts by which nothing happens, kept as plain numbers; lane.py: of one producer, one partition
    moments.py     rules that begin at a moment, and those at brokers, producers and connections

One connection:
    connection.py  as the relay sees it: bytes and ends of either side in, commands out
    parts.py       what its two ways share
    requests.py    the way of its requests; answers.py: that of the answers
    exchanges.py   the requests that wait for their answers, in order
    quick.py       the short way, past all the others here, of what no rule touches; scan.py: its loops, compiled,
                   and unanswered.py: what they have taken in
    several.py     requests for several partitions on that way (batches.py), compiled too
    large.py       requests that are larger than what was read of them, on that way
    ends.py        how it falls silent, and how it ends
    assembly.py    bytes to frames: whole ones where a frame matters, streamed ones where it does not
    kept.py        bytes of a frame of which too little has come to know which way it goes
    outlet.py      bytes out, in order: at once, later, or never
    link.py        the line under it, where faults at connections act; layers.py, pipe.py: what it is made of
    copies.py      copies of requests that ackdrop itself sends; copy_connection.py: on a connection of its own

One frame:
    produce.py     produce requests and answers: attempts, and what became of them
    judging.py     what the rules say of it; recording.py: that it was there to be asked about
    routing.py     answers that carry addresses, versions or topic ids
    tampering.py   its bytes, changed as a fault says

commands.py        what the relay is told to do
"""
