import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceState } from '../../hadoop/index.ts'
import { judgeStates } from './check-active.ts'

const server = (id: string, state: ServiceState['state'], reason: string | null = null) => ({
  ...{ id, state, reason, place: `${id}.example.org:8032` },
})

test('which of several servers is active', () => {
  const judge = (...states: readonly ServiceState[]) => {
    const { result, sentence } = judgeStates('ResourceManager', states)
    return [result, sentence]
  }
  assert.deepEqual(judge(server('rm1', 'standby'), server('rm2', 'active')), [
    'ok',
    'ResourceManager rm2 (rm2.example.org:8032) is active; rm1 (rm1.example.org:8032) stands by',
  ])
  assert.deepEqual(judge(server('rm1', 'active'), server('rm2', 'unknown', 'not for dask')), [
    'ok',
    'ResourceManager rm1 (rm1.example.org:8032) is active; rm2 (rm2.example.org:8032) is up, and does not say whether it is active: not for dask',
  ])
  assert.deepEqual(judge(server('rm1', 'active'), server('rm2', 'unreachable', 'ECONNREFUSED')), [
    'warning',
    'ResourceManager rm1 (rm1.example.org:8032) is active; rm2 (rm2.example.org:8032) cannot be asked: ECONNREFUSED',
  ])
  assert.deepEqual(judge(server('rm1', 'standby'), server('rm2', 'initializing')), [
    'failed',
    'No ResourceManager is known to be active: rm1 (rm1.example.org:8032) stands by; rm2 (rm2.example.org:8032) is starting',
  ])
  const [result, sentence] = judge(server('rm1', 'active'), server('rm2', 'active'))
  assert.equal(result, 'failed')
  assert.match(sentence ?? '', /^More than one ResourceManager is active: rm1 .*; rm2 /)
  const nodes = judgeStates('NameNode', [server('nn1', 'active'), server('nn2', 'observer')])
  assert.match(nodes.sentence, /^NameNode nn1 .* is active; nn2 .* observes$/)
})
