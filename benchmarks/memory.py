"""The peak memory of drawing one large image, above that of the loaded process, in bytes a pixel.

    python -m benchmarks.memory photograph 2048

runs in a process of its own, prints one number and ends. The base is what the process holds once this project is loaded
and has drawn a small image; the input's pixels count as memory used. Limit: Linux only, it reads /proc.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dhvt_vectorize.errors import InputError
from dhvt_vectorize.options import VectorizeOptions

from .adversarial import MAKERS
from .pictures import photograph
from .runs import open_project

PHOTOGRAPH = "photograph"
STATUS = Path("/proc/self/status")


def peak_bytes_a_pixel(image: str, side: int) -> float:
    """Measure in a new process.

    Args:
        image: photograph, or one of adversarial.MAKERS.
        side: of the square image, in pixels.

    Raises:
        InputError: this system has no /proc, or the process failed; the message has its last line.
    """
    if not STATUS.exists():
        raise InputError(STATUS, "is not on this system", "measure memory on Linux")
    command = [sys.executable, "-m", "benchmarks.memory", image, str(side)]
    root = Path(__file__).parent.parent
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"memory of {image}", done.stderr.strip().rpartition("\n")[2], "run the command by itself")
    return float(done.stdout)


def _measure(image: str, side: int) -> float:
    trace = open_project()(VectorizeOptions())
    trace(photograph(256, 256))
    base = _status_bytes("VmRSS")
    trace(photograph(side, side) if image == PHOTOGRAPH else MAKERS[image](side, side))
    return (_status_bytes("VmHWM") - base) / side**2


def _status_bytes(field: str) -> int:
    """VmRSS, what is held now, or VmHWM, the most ever held; the kernel counts in KiB."""
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(lines[field].split()[0]) * 1024


if __name__ == "__main__":
    print(_measure(sys.argv[1], int(sys.argv[2])))
