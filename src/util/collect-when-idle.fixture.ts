// Makes 100 MB of garbage, is busy for argument 1 milliseconds, then idle; prints the megabytes that are still held at the end of each.
import { setTimeout as delay } from 'node:timers/promises'
import { collectWhenIdle } from './collect-when-idle.ts'

const heap = () => process.memoryUsage().heapUsed / 1e6
const first = heap()
Array.from({ length: 1_000_000 }, (_, at) => ({ at, text: `${at}` }))
collectWhenIdle(200)
const until = performance.now() + Number(process.argv[2])
while (performance.now() < until) {
  await delay(1)
  for (const begun = performance.now(); performance.now() < begun + 10; );
}
console.log(Math.round(heap() - first))
await delay(1500)
console.log(Math.round(heap() - first))
