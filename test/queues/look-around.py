# Run by slurm-secrets.scenario.ts as another user: writes what that user can see of processes and of the queue to the file
# argv[1], until the file argv[2] is there.
import os
import subprocess
import sys
import threading

out, over = sys.argv[1:]
seen = set()


def read(path):
    try:
        with open(path, "rb") as file:
            seen.add(file.read(1 << 20))
    except OSError:
        pass


def run(*argv):
    done = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL)
    seen.add(done.stdout + done.stderr)
    return done.stdout.decode(errors="replace")


def look_at_processes():
    while not os.path.exists(over):
        for pid in os.listdir("/proc"):
            if pid.isdigit():
                for name in ("cmdline", "environ", "comm"):
                    read("/proc/%s/%s" % (pid, name))


processes = threading.Thread(target=look_at_processes)
processes.start()
while not os.path.exists(over):
    run("squeue", "--states=all", "--array", "--format=%all")
    run("squeue", "--states=all", "--json")
    run("squeue", "--steps")
    run("scontrol", "--details", "--all", "show", "job")
    run("scontrol", "show", "step")
    for job in run("squeue", "-h", "--states=all", "--format=%A").split():
        run("scontrol", "write", "batch_script", job, "-")
        run("sacct", "-l", "-j", job)
        run("sstat", "-j", job)
processes.join()
with open(out, "wb") as file:
    file.write(b"\n".join(seen))
