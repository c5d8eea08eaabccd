"""`ackdrop doctor`: what is here, for people and for bug reports. Nothing is started, written or changed.

checks.py     what a probe finds, and the whole of it as JSON
examine.py    all probes, side by side, each within its time
installed.py  ackdrop itself, its libraries and extras
producers.py  the producers that can run
brokers.py    the brokers that are found, and what the others would need
machine.py    the system, its limits, ports and settings
"""
