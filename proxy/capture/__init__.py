"""What passed the proxy, as a pcapng file: written beside the relay, and read again.

writing/      a capture that is being written, in a process of its own
reading/      a capture that is read, of whomever
comments.py   what ackdrop says beside a packet, written and read

`README.md` beside this describes the file.
"""
