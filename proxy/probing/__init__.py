"""What a broker remembers of a producer, measured: hand-made packets, and the log read back.

measure.py     a whole probe: the topic, the cases, what is promised of them
cases/         what a broker is asked
bench.py       what a case works with: it sends, waits, and reads the log; ground.py is what all cases share
sending.py     producers, and their batches on the way; transacting.py a transactional producer, request by request
line.py        a connection on which frames go ahead of their answers
frames.py      the packets, and what their answers say; the only door to scapy here
log.py         the log of a partition, batch by batch
effects.py     what a step came to, in a few words
promises.py    promises held against that: promised_kafka.py, promised_redpanda.py, and what one is (promising.py)
summary.py     what was measured, in sentences; numbers.py says sequences
model.py       all that was seen: `ackdrop/probe/1`; store.py writes and reads it, schema.py
               publishes it, compare.py holds two side by side
"""
