"""A proxy that is looked at and changed while it runs.

running.py    all of it, for as long as a front runs
faults.py     the faults of a front: added, removed, armed, disarmed, reset, and taken from a file that was changed
watched.py    the files of a scenario, looked at again and again
handle.py     what the control API holds in its hand: the snapshot, the faults, the broker
door.py       the control API: its address, its token, its server
"""
