"""Bytes and meaning: what stands in a Kafka frame, and how to change it without touching the rest.

    apis.py           API keys and names, and where they become flexible
    codes.py          error codes and their names
    primitives.py     varints, compact lengths, tagged fields
    frames.py         bytes to frames
    headers.py        request and response headers
    produce.py        Produce requests and answers: the hot path
    shapes.py         what all produce requests of a client to a partition have in common
    batch_headers.py  the header of a record batch
    batches.py        record batches: walking and decompressing them
    compression.py    the codecs of batches
    checksums.py      their check sums
    records.py        the records in a batch
    asked.py          what a proxy asks for itself, by tables of our own
    bodies.py         every other body, by way of kafka-python
    addresses.py      broker addresses in answers: read, translated, spliced in
    sieve.py          the same at the end of an answer that is too large to be kept
    walk.py           stepping through such an answer
    layouts.py        what stands where in it, by API and version

A *frame* is one message with its four length bytes; offsets count from its start. Whatever stands in a frame, these
modules raise nothing but WireError or its subclass UndecodableError.
"""
