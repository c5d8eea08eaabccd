"""What passed the proxy, as a pcapng file: written beside the relay, and read again.

pcapng.py     the blocks of a file
tcp.py        bytes of a connection as TCP over IP: numbers, checksums, handshake and ends
comments.py   what ackdrop says beside a packet, written and read

`README.md` beside this describes the file.
"""
