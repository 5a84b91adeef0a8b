import type { TestEvent } from 'node:test/reporters'

export interface TestCounts {
  readonly passed: number
  readonly failed: readonly string[]
  readonly skipped: readonly string[]
}

/** A reporter for `node --test` that writes, at the end, one JSON object: TestCounts. Suites are not tests. */
export default async function* countReporter(
  events: AsyncIterable<TestEvent>,
): AsyncGenerator<string> {
  let passed = 0
  const failed: string[] = []
  const skipped: string[] = []
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const isSuite = data.details.type === 'suite'
    const name = `${data.name}${data.file === undefined ? '' : ` (${data.file})`}`
    // A suite fails with its tests, but also alone, when its own hooks fail; that must not be lost.
    if (type === 'test:fail') {
      if (!isSuite || !/subtests? failed/.test(String(data.details.error?.message ?? '')))
        failed.push(name)
    } else if (data.skip !== undefined || data.todo !== undefined) skipped.push(name)
    else if (!isSuite) passed += 1
  }
  yield JSON.stringify({ passed, failed, skipped } satisfies TestCounts)
}
