"""What a shell does with a job: starts it in the foreground of its terminal, tells how it fares, and brings it back.

Run as `job.py COMMANDS OUTCOME PROGRAM...`, with two descriptors and a terminal as standard input. Commands come line
by line on the first (`fg`, `bg`); what becomes of the job is told on the second (`stopped N`, `exited N`, `killed N`).
Without a shell of the same session a process cannot be stopped by its terminal (POSIX: an orphaned process group).
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import termios
import threading


def main(commands: int, outcome: int, program: list[str]) -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    ours = os.getpgrp()
    job = subprocess.Popen(program, process_group=0, preexec_fn=_front)
    threading.Thread(target=_obey, args=(commands, job.pid), daemon=True).start()
    while True:
        _, status = os.waitpid(job.pid, os.WUNTRACED)
        os.tcsetpgrp(0, ours)
        if os.WIFSTOPPED(status):
            _tell(outcome, f"stopped {os.WSTOPSIG(status)}")
            continue
        _tell(
            outcome, f"killed {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exited {os.WEXITSTATUS(status)}"
        )
        return


def _front() -> None:
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)


def _obey(commands: int, job: int) -> None:
    with open(commands, encoding="ascii") as lines:
        for command in lines:
            if command.strip() == "fg":
                os.tcsetpgrp(0, job)
            os.killpg(job, signal.SIGCONT)


def _tell(outcome: int, line: str) -> None:
    os.write(outcome, f"{line}\n".encode("ascii"))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
