"""Our own conversation with the broker, past the proxy: what is read here was never touched by a fault.

    approach.py    how brokers are approached: TLS, and who we say we are
    connection.py  one connection: a frame out, a frame in; every failure of the network mapped in one place
    tls.py         what TLS fails for, in words
    authentication.py  the frames in which we say who we are (SASL)
    diagnosis.py   why a listener closes without a word: TLS, or none, or SASL
    link.py        a connection that knows the broker's versions, and is opened again once when it breaks
    fetch.py       Fetch requests and answers, whose record batches stay memoryviews
    nodes.py       the brokers: where each is reached, who leads what
    leadership.py  another broker becomes the leader of partitions
    patience.py    errors that pass, and asking again until they have
    cluster.py     topics, offsets, logs: asks the leader, follows it when it changes
    identity.py    which broker it is, by what it answers

Every wait is bounded, and every failure of the network is a BrokerError that begins with HOST:PORT.
"""
