import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { waitFor } from '../fakes/wait-for.ts'
import { handlerKilled, type Life, phases, withLife } from './crash-life.ts'
import { stateOf } from './processes.ts'

// A kill -9 of what the gateway has started for itself: the gateway goes on, starts another, and the books balance.

describe('a kill -9 of the proxy, and of the idle Python', { concurrency: 2 }, () => {
  for (const when of ['before', 'after'])
    test(`${when} each step`, async () => {
      await withLife(`proxy killed ${when}`, {}, async (life) => {
        const { gateway } = life
        for (let n = 0; n < Math.max(...phases.map((phase) => phase.length)); n++) {
          // One of each phase: by the next, the client has been answered through a new proxy.
          const places = phases.flatMap((phase) => phase[n] ?? []).map((step) => `${when} ${step}`)
          const killing = life.at(places, () => {
            life.killProxy()
            life.killPython()
          })
          await Promise.all([life.live(), killing])
          await life.balance()
        }
        assert.equal(life.gateway, gateway, 'the gateway has ended')
      })
    })
})

test('a kill -9 of Python around each question to it costs one request at most', async () => {
  await withLife('python around questions', {}, async (life) => {
    for (const step of ['option fields', 'option handler'])
      for (const when of ['before', 'after']) {
        const killing = life.at([`${when} ${step}`], () => {
          assert.notEqual(life.killPython().length, 0)
        })
        const [name] = await Promise.all([life.create(), killing])
        await life.ask(name, { method: 'DELETE' })
      }
  })
})

test('a kill -9 of idle Python is noticed by nobody', async () => {
  await withLife('idle python', {}, async (life) => {
    const killed = life.killPython()
    assert.notEqual(killed.length, 0)
    await waitFor('their end', () => killed.every((pid) => stateOf(pid) === null))
    assert.equal((await create(life)).status, 201)
    for (const name of Object.keys(await life.json(''))) await life.ask(name, { method: 'DELETE' })
  })
})

test('a kill -9 of Python in an option handler is one clear error, and the next request is answered', async () => {
  await withLife('python in a handler', {}, async (life) => {
    const { reached, release } = life.hold('options')
    const asked = create(life)
    await reached()
    life.killPython()
    const answer = await asked
    assert.equal(answer.status, 500)
    assert.match(await answer.text(), handlerKilled)
    release()
    await life.live()
  })
})

test('a kill -9 of Python in a configuration ends a start with one sentence, and a reload with none of it', async () => {
  await withLife('python in a configuration', {}, async (life) => {
    const evaluation = life.hold('config')
    life.gateway?.signal('SIGHUP')
    await evaluation.reached()
    life.killPython()
    const said =
      /SIGHUP: going on with the old configuration: .*ended the Python that ran it: signal SIGKILL/
    await life.until('the log to say so', async () => said.test(life.gateway?.log() ?? ''))
    evaluation.release()
    await life.live()
    await life.gateway?.stop()

    const atStart = life.hold('config')
    await life.start({}, false)
    await atStart.reached()
    life.killPython()
    assert.equal(await life.gateway?.ended, 1)
    const last = life.gateway?.log().trim().split('\n').at(-1) ?? ''
    assert.match(last, /dask_gateway_config\.py ended the Python that ran it: signal SIGKILL$/)
    atStart.release()
    await life.live()
  })
})

function create(life: Life): Promise<Response> {
  return life.ask('', { method: 'POST', body: '{}' })
}
