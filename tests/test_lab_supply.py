"""Draws made ahead: in the order in which they were asked for, whoever makes them, and the same."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from kinject.lab.supply import supply


def squares(number, level):
    time.sleep(0.2 / (1 + number))  # later ones are ready first
    return [number * number, level, os.getpid()]


@pytest.mark.parametrize("processes", [0, 2])
def test_draws_come_in_the_order_in_which_they_were_asked_for(processes):
    with supply(squares, processes) as drawn:
        for number in range(drawn.ahead):
            drawn.ask(number, 3)
        found = [drawn.take() for _ in range(drawn.ahead)]
    assert [one[:2] for one in found] == [[number * number, 3] for number in range(drawn.ahead)]
    assert (os.getpid() in {one[2] for one in found}) == (processes == 0)


def test_whoever_draws_ends_with_the_one_who_asked():
    asking = (
        "import os, signal\n"
        "from tests.test_lab_supply import squares\n"
        "from kinject.lab.supply import supply\n"
        "if __name__ == '__main__':\n"
        "    with supply(squares, 2) as drawn:\n"
        "        for number in range(4): drawn.ask(number, 0)\n"
        "        print(*{drawn.take()[2] for _ in range(4)}, flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True, timeout=120, check=False)
    drawers = [int(pid) for pid in killed.stdout.split()]
    assert drawers, killed.stderr
    _, left = psutil.wait_procs([psutil.Process(pid) for pid in drawers if psutil.pid_exists(pid)], timeout=20)
    assert not left
