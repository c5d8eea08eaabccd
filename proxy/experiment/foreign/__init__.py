"""Programs that are not ours behind the proxy: what they do is seen on the wire, and held against the log.

front.py      the proxy of one arm, from its start until nothing is under way any more
meeting.py    the cluster behind it, which may come later
judging.py    the log of what went through it, and the arm's verdict
watch.py      from its start to its report, for `ackdrop proxy` and `ackdrop.api`
shown.py      `ackdrop proxy`: until somebody ends it
execute.py    `ackdrop exec`: as long as a program runs, once for each arm
program.py    that program: started, signalled, ended
"""
