"""The same result, as a terminal, JSON and (later) other formats show it.

- `clean.py`: text from outside made harmless
- `figures.py`: the comparison of the arms, as labels and cells
- `story.py`, `attempts.py`: what became of a record, in sentences
- `verdicts.py`: the verdict in a sentence
- `terminal.py`: all of these on a terminal
- `as_json.py`: `report.json`, written and read
- `progress.py`: what goes on while a run lasts

`figures`, `story` and `verdicts` know no format: they give plain text, and whoever shows it escapes it.
"""
