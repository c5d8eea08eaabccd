"""The same result, as a terminal, JSON, JUnit, Markdown and HTML show it.

- `clean.py`: text from outside made harmless
- `figures.py`: the comparison of the arms, as labels and cells
- `combine.py`, `spreads.py`: several runs as one result, and their comparison
- `baseline.py`: which failures are known from an earlier result; `merge.py`: the results of several jobs as one
- `story.py`, `attempts.py`: what became of a record, in sentences
- `verdicts.py`: the verdict in a sentence
- `page.py`: lines for a terminal; `terminal.py`: all of these on one
- `probe.py`: what `ackdrop probe` measured, and what changed, on a terminal; `probe_words.py` says it,
  `probe_markdown.py` is the same as Markdown
- `as_json.py`: `report.json`, written and read; `schema.py`: its published JSON Schema
- `html/`: all of it as one HTML file, with diagrams and a timeline
- `junit.py`: JUnit XML; `junit_cases.py` and `junit_properties.py` say what is in it
- `markdown.py`: a CI summary; `markdown_text.py`: how text gets into it and does nothing
- `notes.py`: what a code host shows beside a line of the scenario; `github.py`, `gitlab.py`: in their own forms
- `plain.py`: stories as plain lines, for both
- `progress.py`: what goes on while a run lasts

`figures`, `spreads`, `story` and `verdicts` know no format: they give plain text, and whoever shows it escapes it.
"""
