"""A capture that is being written: from what the relay tells, to packets in files.

writer.py     a capture, and what became of it
tap.py        what the relay tells what passes; hands it over in batches
events.py     what is in a batch
child.py      the process that writes
recorder.py   from what passed to packets
remarks.py    from observations to what is said beside packets
blanking.py   credentials out of what is shown
secrets.py    where credentials stand in Kafka's messages
files.py      the files: one after the other, bounded
pcapng.py     the blocks of a file
tcp.py        bytes of a connection as TCP over IP: numbers, checksums, handshake and ends
"""
