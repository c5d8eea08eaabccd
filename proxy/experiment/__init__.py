"""One run, from the broker to the verdict: the only place that knows all rooms.

settings.py  what a run is told from outside
stopping.py  Ctrl-C and SIGTERM: the first ends the run well, the second at once; and time that is up
folder.py    where a run's folder is made
record.py    what is kept of a run in it, from its beginning to its end
reserve.py   room on the disk for the report, also where the ledger has filled it
disk.py      what is said while the ledger or the capture cannot be written
capturing.py the capture that is asked for, and what the result says of it
session.py   a whole command: the broker, one scenario after the other, the exit code
shards.py    which of the scenarios are run here, where they are divided among several
watching.py  a whole `ackdrop proxy`, which imports no more than it needs to listen
told.py      how the person is told of it
scenario.py  `ackdrop run`: every arm of a scenario
arm.py       one arm: topic, proxy, producer, barrier, log, verdict
foreign/     `ackdrop proxy` and `ackdrop exec`: programs that are not ours
verify.py    `ackdrop verify`: a log alone, or against a run that is over
probe.py     `ackdrop probe`: what a broker remembers of a producer
doctor/      `ackdrop doctor`: what is here
"""
