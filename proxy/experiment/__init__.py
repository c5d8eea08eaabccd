"""One run, from the broker to the verdict: the only place that knows all rooms.

settings.py  what a run is told from outside
stopping.py  Ctrl-C and SIGTERM: the first ends the run well, the second at once
folder.py    a run's folder, and what goes into it
session.py   a whole command: the broker, one scenario after the other, the exit code
scenario.py  `ackdrop run`: every arm of a scenario
arm.py       one arm: topic, proxy, producer, barrier, log, verdict
watch.py     `ackdrop proxy`: programs that are not ours
"""
