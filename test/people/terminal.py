"""Runs the command on a pseudo-terminal, as a person has it, and prints what the person saw as JSON."""
import json
import os
import pty
import select
import signal
import sys
import termios
import time

command = sys.argv[1]
password = os.environ.pop("DASK_GATEWAY_TEST_PASSWORD")


def run(words, act):
    """`act` gets the text so far and may type (bytes) or send a signal (int)."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command, [command, *words])
    text, until = b"", time.monotonic() + 60
    while time.monotonic() < until:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                chunk = os.read(terminal, 65536)
            except OSError:
                chunk = b""
            if not chunk:
                break
            text += chunk
        typed = act(text.decode(errors="replace"))
        if isinstance(typed, bytes):
            os.write(terminal, typed)
        elif isinstance(typed, int):
            os.kill(child, typed)
    echoes = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return text.decode(errors="replace"), status, echoes


def once(*steps):
    """Each step: what is waited for, and what is then done."""
    left = list(steps)

    def act(text):
        if left and left[0][0] in text:
            return left.pop(0)[1]

    return act


login, _, echoes = run(
    ["login"], once(("User name", b"alice\r"), ("Password: ", password.encode() + b"\r"))
)
create, create_status, echoes_after = run(
    ["create"], once(("PENDING", signal.SIGINT))
)
top, _, _ = run(["top"], once(("Ctrl-C ends", signal.SIGINT)))
print(
    json.dumps(
        {
            "login": login,
            "create": create,
            "createStatus": create_status,
            "echoes": echoes and echoes_after,
            "top": top,
        }
    )
)
