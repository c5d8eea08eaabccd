"""Our own conversation with the broker, past the proxy: what is read here was never touched by a fault.

    connection.py  one TCP connection: a frame out, a frame in; every failure of the network mapped in one place
    link.py        a connection that knows the broker's versions, and is opened again once when it breaks
    fetch.py       Fetch requests and answers, whose record batches stay memoryviews
    nodes.py       the brokers: where each is reached, who leads what
    patience.py    errors that pass, and asking again until they have
    cluster.py     topics, offsets, logs: asks the leader, follows it when it changes
    identity.py    which broker it is, by what it answers

Every wait is bounded, and every failure of the network is a BrokerError that begins with HOST:PORT.
"""
