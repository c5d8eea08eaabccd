"""Looking at a proxy while it runs, and changing its faults: a room that knows no socket of the data path.

snapshot.py   what is happening, as one frozen value
gathering.py  the snapshot, kept up to date by the batches of observations
retries.py    what is known of retries before the log is read
"""
