"""subreaper.py PROGRAM [ARGUMENT ...]: becomes the program, as one to whom whatever its descendants leave behind returns.

A process whose parent ends becomes a child of its nearest subreaper, not of the machine's first process, so that nothing
gets away by a double fork or a session of its own. The attribute survives execve(2); see prctl(2).
"""

import ctypes
import os
import sys

PR_SET_CHILD_SUBREAPER = 36
# The module `signal` takes longer to import than all the rest of this.
SIGPIPE, SIGXFSZ, SIG_DFL = 13, 25, None

libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
    raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
# Python ignores these two, and what is ignored stays so in the program; and it sets LC_CTYPE.
libc.signal(SIGPIPE, SIG_DFL)
libc.signal(SIGXFSZ, SIG_DFL)
environment = {name: value for name, value in os.environ.items() if name != "LC_CTYPE"}
os.execve(sys.argv[1], sys.argv[1:], environment)
