"""Where a broker comes from.

choose.py      the order: given, found on localhost:9092, Docker, embedded
running.py     the one value that all four give: a broker's address and where it came from
given.py       the broker that the user gave, and the one that is found
docker.py      Redpanda's image, where a Docker engine answers
embedded.py    Apache Kafka (KRaft) from its published jars, in temporary folders: one broker, or several
background.py  the embedded brokers that outlive their command: `ackdrop broker up`
layout.py      which brokers an embedded cluster has, and their ports
listener.py    more listeners on them: TLS, mTLS, SASL
settings.py    the embedded brokers' properties and Java options; log4j2.xml is their logging
jars.py        its pinned jars (jars.json) in a cache of the user's own; pin.py makes that list
download.py    fetches the jars that the cache lacks
java.py        the Java that runs them
ports.py       free loopback ports, held until they are used
starting.py    waits until a broker is ready, or knows why it will not be
probe.py       is that a Kafka broker, and is it ready?
supervised.py  our end of the supervisor: a child process that outlives nobody
supervisor.py  its other end: the program that ends the broker however ackdrop itself ends
"""
