"""What a person sees of a proxy while it runs: a page on a terminal, log lines where there is none.

desk.py      what is wanted of a proxy: how things stand, a fault armed or disarmed, the end
page.py      how things stand, laid out as lines for a screen of some size
amounts.py   sizes, rates and times in few characters
parts.py     the page's pieces: figures, faults, what happened
screen.py    the page on a terminal, drawn anew while it lasts, and its keys
fitting.py   is there a terminal to draw on?
terminal.py  the terminal itself: keys without echo, another screen, and all put back however it ends
keys.py      bytes from a terminal, turned into keys
lines.py     log lines, as text or JSON; what comes in storms is summed up
written.py   lines on their way to a stream that may be slow
telling.py   one thing that happened, as an entry of the log
"""
