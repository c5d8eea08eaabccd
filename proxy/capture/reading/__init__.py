"""What a capture tells, ackdrop's own or another one: in one pass, and in bounded memory.

reader.py        files in, events out
link.py          packets to TCP segments
halves.py        segments of one direction to its bytes in order, and its holes
flows.py         connections by their addresses; flow.py: one of them; recognition.py: what it speaks
cutting.py       bytes to frames, across holes; sense.py: what may be a frame
conversation.py  frames of one connection; exchange.py: answers with their requests, and their acks
produced.py      produce requests and answers, and which attempts they are
details.py       what is told of a frame; events.py: all that is told; filters.py: of which what
links.py         connections that are two parts of one way
retries.py       whose retry is this; verdicts.py: what it left in the log
shared.py        what all connections have in common
"""
