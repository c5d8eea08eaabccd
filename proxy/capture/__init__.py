"""What passed the proxy, as a pcapng file: written beside the relay, and read again.

writer.py     a capture that is being written, and what became of it
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
comments.py   what ackdrop says beside a packet, written and read
reading/      a capture that is read, of whomever

`README.md` beside this describes the file.
"""
