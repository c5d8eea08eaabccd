"""Producers that make the traffic, each in a process of its own and in any interpreter.

    plan.py                  what a producer shall do, and how it travels
    outcome.py               what became of it: progress and report
    run.py                   one producer, from start to end, on trio
    lives.py                 what a killed one leaves, and what the next one does
    hand.py                  what can be done to its process
    child.py                 its process: start, stop, end, last words
    talk.py                  the lines that it says
    driving.py               inside the process: what the drivers share
    turns.py                 inside the process: whose turn it is, and what is sent again
    channel.py               inside the process: its lines to us
    words.py                 inside the process: neutral words in the client's own terms
    drive_kafka_python.py    inside the process: kafka-python
    drive_confluent.py       inside the process: confluent-kafka
    drive_aiokafka.py        inside the process: aiokafka

The files "inside the process" are scripts for Python 3.8 and newer. They need nothing but the standard library and
the client, import each other as neighbours in one folder, and nothing else of ackdrop.
"""
