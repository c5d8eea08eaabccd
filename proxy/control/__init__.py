"""Looking at a proxy while it runs, and changing its faults: a room that knows no socket of the data path.

What is happening:
  snapshot.py   as one frozen value
  gathering.py  kept up to date by the batches of observations
  retries.py    what is known of retries before the log is read
  findings.py   what the wire has shown, and what only the log can tell

Over HTTP:
  port.py       the one thing that is known of a proxy: `experiment/live/` has it
  app.py        the API, described by OpenAPI
  guard.py      who may ask, and how much may come
  metrics.py    the snapshot as Prometheus wants it
  serve.py      its socket; clients.py: its clients, each served by Hypercorn; address.py, token.py: where, for whom

From outside:
  found.py      the proxies of this user that run
  client.py     what `ackdrop ctl` asks with
"""
