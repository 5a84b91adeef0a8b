import assert from 'node:assert/strict'
import { test } from 'node:test'
import { containerEnd, sentence, stderrOf } from './container-end.ts'

// As a NodeManager 3.4.3 says them.
const memory = `[2026-11-22 23:10:01.120]Container [pid=4711,containerID=container_1_0001_01_000002] is running 1048576B beyond the 'PHYSICAL' memory limit. Current usage: 257.0 MB of 256 MB physical memory used; 1.2 GB of 537.6 MB virtual memory used. Killing container.
Dump of the process-tree for container_1_0001_01_000002 :
\t|- PID PPID a secret of the command line`
const failed = `[2026-11-22 23:10:01.120]Exception from container-launch.
Container id: container_1_0001_01_000002
Exit code: 9

[2026-11-22 23:10:01.121]Container exited with a non-zero exit code 9. Error file: prelaunch.err.
Last 4096 bytes of prelaunch.err :
Last 4096 bytes of stderr :
no such thing here

`

test('what the system did is told in words, and is no fault of what ran where it is not', () => {
  assert.deepEqual(containerEnd(9, failed), {
    ...{ state: 'gone', reason: 'exited with status 9', exitCode: 9 },
  })
  const killed = containerEnd(-104, memory)
  assert.match(killed.reason, /^it was killed for using too much memory: Container .* 256 MB/)
  assert.ok(!killed.reason.includes('secret'))
  // What ends in order when it is killed has a status of its own.
  assert.deepEqual(containerEnd(0, memory), killed)
  assert.equal(killed.interrupted, undefined)
  const preempted = containerEnd(-102, 'Container preempted by scheduler')
  assert.equal(preempted.interrupted, true)
  assert.match(preempted.reason, /preempted/)
  assert.equal(containerEnd(-100, 'Container released on a *lost* node').interrupted, true)
})

test('the last lines of a failed container are found in its diagnostics', () => {
  assert.equal(stderrOf(failed)?.trim(), 'no such thing here')
  assert.equal(stderrOf(memory), null)
  assert.equal(stderrOf(''), null)
})

test('what YARN says is one line of bounded length', () => {
  assert.equal(sentence('a\n  b\n\tat org.apache.X(Y.java:1)\n'), 'a b')
  assert.equal(sentence('org.apache.hadoop.x.AccessControlException: no such b'), 'no such b')
  assert.equal(sentence('x'.repeat(5000)).length, 1000)
})
