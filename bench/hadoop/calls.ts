// Run by rows/hadoop-calls.ts inside a machine with Hadoop: `calls.ts simple|kerberos SECONDS ROUNDS`; one line of JSON.
import {
  createResourceManagerClient,
  type Login,
  readConfiguration,
} from '../../src/hadoop/index.ts'
import { createInitiator } from '../../src/kerberos/index.ts'
import { hadoopPlaces } from '../../test/support/hadoop.ts'
import { quantile } from '../row.ts'

const [security, seconds, rounds] = process.argv.slice(2)
const keytab = { keytab: hadoopPlaces.daskKeytab, principal: 'dask' }
const login: Login =
  security === 'kerberos'
    ? { kind: 'kerberos', initiator: createInitiator(keytab) }
    : { kind: 'simple', user: 'dask' }
const configuration = await readConfiguration(hadoopPlaces.configuration)
const client = createResourceManagerClient({ configuration, login })
const users = ['alice', 'bob'].map((user) => client.as(user))

/** Calls for a while, so many at once; how long each took, in ms. */
async function callFor(ms: number, atOnce: number): Promise<readonly number[]> {
  const took: number[] = []
  const until = performance.now() + ms
  const caller = async (index: number) => {
    while (performance.now() < until) {
      const begun = performance.now()
      await users[index % users.length]?.metrics()
      took.push(performance.now() - begun)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, (_, index) => caller(index)))
  return took
}

const samples: { aloneMs: number; perSecond: number; cpuMicroseconds: number }[] = []
const wantedMs = Number(seconds) * 1000
// Java compiles what is called often.
await callFor(wantedMs, 32)
for (let round = 0; round < Number(rounds); round += 1) {
  const alone = await callFor(wantedMs / 2, 1)
  const cpu = process.cpuUsage()
  const begun = performance.now()
  const many = await callFor(wantedMs, 32)
  const { user, system } = process.cpuUsage(cpu)
  samples.push({
    aloneMs: quantile(alone, 0.5),
    perSecond: (many.length * 1000) / (performance.now() - begun),
    cpuMicroseconds: (user + system) / many.length,
  })
}
client.close()
if (login.kind === 'kerberos') login.initiator.close()
const median = (name: keyof (typeof samples)[number]) =>
  quantile(
    samples.map((each) => each[name]),
    0.5,
  )
console.log(
  JSON.stringify({
    aloneMs: median('aloneMs'),
    perSecond: median('perSecond'),
    cpuMicroseconds: median('cpuMicroseconds'),
  }),
)
