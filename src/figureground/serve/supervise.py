"""A server that outlives its crashes: the process that serves is begun again when a signal ends it."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from figureground.errors import FiguregroundError

LONGEST = 30.0  # seconds between one and the next, when it dies again and again


def listening(host: str, port: int) -> socket.socket:
    """Raises FiguregroundError for an address that cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        reason = error.strerror or error
        raise FiguregroundError(
            f"cannot listen at {host}, port {port} ({reason}); give another --host or --port"
        ) from None


def supervise(run: Callable[[], int], server: socket.socket) -> int:
    """What `run` returns, in a process of its own. Where a signal ends that (a decoder's crash, want of
    memory) it is begun again, while clients wait at the socket, which is kept. SIGTERM and SIGINT are
    handed on. Where there is no fork (Windows), `run` has no such help.
    """
    if not hasattr(os, "fork"):
        return run()
    child, stopping, pause = 0, False, 0.25

    def stop(number: int, _: Any) -> None:
        nonlocal stopping
        stopping = True
        server.close()  # nobody else is to wait at it
        if child:
            with suppress(ProcessLookupError):
                os.kill(child, number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    while True:
        begun = time.monotonic()
        theirs, ours = os.pipe()
        child = os.fork()
        if not child:
            os.close(ours)
            _serve(run, theirs)
        os.close(theirs)
        if stopping:  # meanwhile
            os.kill(child, signal.SIGTERM)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        child = 0
        os.close(ours)
        if stopping and status in (-signal.SIGTERM, -signal.SIGINT):
            return 0
        if stopping or status >= 0:
            return abs(status)
        pause = 0.5 if time.monotonic() > begun + 2 * LONGEST else min(2 * pause, LONGEST)
        line = {"event": "the server died", "signal": -status, "again_in": pause}
        print(json.dumps(line), file=sys.stderr, flush=True)
        until = time.monotonic() + pause
        while time.monotonic() < until:
            if stopping:
                return 1
            time.sleep(0.05)


def _serve(run: Callable[[], int], parent: int) -> None:
    """In the child: does not come back."""
    status = 1
    try:
        os.setpgid(0, 0)  # Ctrl-C reaches the parent alone, which hands it on once
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
        status = run()
    except FiguregroundError as error:
        print(f"figureground: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        status = 130
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _end_with(parent: int) -> None:
    """Stops this process when the other end of the pipe is gone, with the parent."""
    os.read(parent, 1)
    os.kill(os.getpid(), signal.SIGTERM)
