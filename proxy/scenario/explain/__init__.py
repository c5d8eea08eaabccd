"""A scenario in plain English: what will happen, line by line, and what its author expects.

    text.py      explain(): all of it
    picture.py   where on the path each fault sits
    rules.py     where, which and when of a rule, as sentences
    clients.py   what a client does about what it notices
    arms.py      what follows in each arm, and what must hold there

What a fault does is said beside its model, in `scenario/actions/`.
"""
