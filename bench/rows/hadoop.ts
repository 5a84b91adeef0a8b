import { environmentOf, hadoopMachine } from '../../test/support/hadoop.ts'
import { inMachine } from '../in-machine.ts'
import type { Row } from '../row.ts'

const machine = environmentOf({
  yarn: {
    // What Hadoop's own packages set: the Java of skein finds Hadoop by it.
    'yarn.application.classpath': '/etc/hadoop/conf,/opt/hadoop/lib/*',
    // With ACLs the old server could not stop its clusters.
    'yarn.acl.enable': false,
    'yarn.resourcemanager.nodemanagers.heartbeat-interval-ms': 1000,
    'yarn.nodemanager.resource.memory-mb': 16_384,
    'yarn.nodemanager.resource.cpu-vcores': 32,
  },
  // By default a node is given one container of ours at each of its heartbeats; one node stands in for many here.
  capacity: { 'yarn.scheduler.capacity.per-node-heartbeat.maximum-offswitch-assignments': 20 },
})

export const hadoop: Row = {
  name: 'hadoop',
  title: 'Clusters on YARN',
  note: `Both on one real YARN and HDFS (3.4.3, no Kerberos, one node on this machine with a heartbeat each second, as is the default, that takes 20
containers at each), the unmodified client; the old server with \`skein==0.8.2\`, for which it has a JVM beside it. \`scale(20)\`: with workers that only sleep,
as the NodeManager tells; its requests are those for containers that the ResourceManager notes. Memory: once, of all processes of a server when there has been no cluster for two and a half minutes; first as \`Pss\`, from which what other programs here
share (the daemons' Java, the bench's own Node) is taken off; then with what they share among themselves counted once, and nothing taken off.`,
  measure: (bench) => inMachine(bench, hadoopMachine, 'hadoop/inside.ts', [bench.rounds], machine),
}
