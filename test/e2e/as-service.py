"""as-service.py UNIT[,DROP-IN] COMMAND...: runs a command, as root, with what a unit of systemd takes from it: other accounts, rights,
system calls, address families, places to write. Without systemd running, so that the units can be tried anywhere. Only
the directives of this project's units are known."""

import ctypes
import json
import os
import pathlib
import pwd
import subprocess
import sys

units, command = sys.argv[1].split(","), sys.argv[2:]
settings = {}
for unit in units:
    for line in pathlib.Path(unit).read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, value = line.split("=", 1)
            settings.setdefault(name, []).append(value)


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def last(name):
    return settings.get(name, [""])[-1]


def calls(names):
    """The system calls of the sets in systemd.exec(5), without the sets in them."""
    found = set()
    for name in names:
        if not name.startswith("@"):
            found.add(name)
            continue
        listed = subprocess.run(
            ["systemd-analyze", "syscall-filter", name], check=True, capture_output=True, text=True
        ).stdout
        inner = [line.strip() for line in listed.splitlines()[1:]]
        found |= calls([each for each in inner if each and not each.startswith("#")])
    return found


allowed = set()
for value in settings["SystemCallFilter"]:
    if value.startswith("~"):
        allowed -= calls(value[1:].split())
    else:
        allowed |= calls(value.split())
# For what comes below: systemd itself needs it, too.
allowed |= {"execve", "execveat"}

if ctypes.CDLL(None, use_errno=True).unshare(0x00020000) != 0:  # CLONE_NEWNS
    raise OSError(ctypes.get_errno(), "unshare")
mount("--make-rprivate", "/")
shut = "/" if last("ProtectSystem") == "strict" else ("/usr", "/boot", "/etc")
writable = [path for path in last("ReadWritePaths").split() if os.path.exists(path)]
for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
    place = line.split()[4]
    if place.startswith(shut) and not place.startswith(("/dev", "/proc", "/sys")):
        mount("-o", "remount,ro,bind", place)
for path in writable:
    mount("--bind", path, path)
    mount("-o", "remount,rw,bind", path)
if last("PrivateTmp") == "yes":
    mount("-t", "tmpfs", "tmpfs", "/var/tmp")
if last("ProtectHome") == "yes":
    mount("-t", "tmpfs", "-o", "ro,mode=755", "tmpfs", "/home")
options = "hidepid=invisible" + (",subset=pid" if last("ProcSubset") == "pid" else "")
mount("-t", "proc", "-o", options, "proc", "/proc")

os.umask(int(last("UMask"), 8))
os.chdir(last("WorkingDirectory"))
account = pwd.getpwnam(last("User"))
os.initgroups(account.pw_name, account.pw_gid)
capabilities = last("CapabilityBoundingSet").lower().replace("cap_", "+").replace(" ", ",")
os.environ["HOME"] = account.pw_dir
drop = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--keep-groups"]
drop += [f"--bounding-set=-all{',' if capabilities else ''}{capabilities}", "--no-new-privs"]
# As the last step, so that none of the above needs to be allowed: the filter is set by a Python that then becomes the command.
becoming = """
import json, os, seccomp, socket, sys
calls, families, command = json.loads(sys.argv[1])
filter = seccomp.SyscallFilter(seccomp.ERRNO(1))
for name in calls:
    try:
        if name != "socket":
            filter.add_rule(seccomp.ALLOW, name)
    except (RuntimeError, ValueError):
        pass  # Unknown to this kernel or architecture.
for family in families:
    number = getattr(socket, family)
    filter.add_rule(seccomp.ALLOW, "socket", seccomp.Arg(0, seccomp.EQ, number))
filter.load()
os.execvp(command[0], command)
"""
families = last("RestrictAddressFamilies").split()
described = json.dumps([sorted(allowed), families, command])
os.execvp("setpriv", [*drop, "/usr/bin/python3", "-c", becoming, described])
