import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import type {
  Backend,
  Change,
  ClusterOptions,
  ClusterStore,
  Route,
  RouteTable,
} from '../core/index.ts'
import { withCalls, withMethods } from './with-methods.ts'

/**
 * A hook for tests of crashes, off unless the environment says otherwise. DASK_GATEWAY_FAIL_AT=STEP kills this process with SIGKILL
 * when it comes to that step; DASK_GATEWAY_PAUSE_AT=FILE stops it (SIGSTOP) at the step whose name is in the file, and empties the
 * file; DASK_GATEWAY_STEPS=FILE appends the name of every step to a file. A step lies before and after each write of records, each
 * call of the backend that changes something outside, each change of routes and each question to an option handler.
 */
export interface FailureHooks {
  store<S extends ClusterStore>(store: S): S
  backend(backend: Backend): Backend
  routes<R extends RouteTable>(routes: R): R
  options(options: ClusterOptions): ClusterOptions
}

const calls = ['startScheduler', 'startWorkers', 'find', 'stopObjects', 'cleanUp'] as const

export function failureHooks(environment: NodeJS.ProcessEnv = process.env): FailureHooks {
  const failAt = environment.DASK_GATEWAY_FAIL_AT
  const pauseFile = environment.DASK_GATEWAY_PAUSE_AT
  const stepsFile = environment.DASK_GATEWAY_STEPS
  if (failAt === undefined && pauseFile === undefined && stepsFile === undefined)
    return {
      store: (store) => store,
      backend: (backend) => backend,
      routes: (routes) => routes,
      options: (options) => options,
    }

  const come = (step: string) => {
    if (stepsFile !== undefined) appendFileSync(stepsFile, `${step}\n`)
    if (step === failAt) process.kill(process.pid, 'SIGKILL')
    if (pauseFile !== undefined && readFileSync(pauseFile, 'utf8') === step) {
      writeFileSync(pauseFile, '')
      process.kill(process.pid, 'SIGSTOP')
    }
  }
  const around = <A extends readonly unknown[], T>(
    call: (...args: A) => T,
    nameOf: (...args: A) => string,
  ) => {
    return (...args: A): T => {
      come(`before ${nameOf(...args)}`)
      const result = call(...args)
      if (!(result instanceof Promise)) {
        come(`after ${nameOf(...args)}`)
        return result
      }
      return result.then((value: unknown) => {
        come(`after ${nameOf(...args)}`)
        return value
      }) as T
    }
  }
  return {
    store: (store) =>
      withMethods(store, {
        commit: around((changes: readonly Change[]) => store.commit(changes), nameOfChanges),
      }),
    backend: (backend) => withCalls(backend, calls, (name, call) => around(call, () => name)),
    routes: (routes) =>
      withMethods(routes, {
        put: around(
          (route: Route) => routes.put(route),
          () => 'put route',
        ),
        remove: around(
          (name: string) => routes.remove(name),
          () => 'remove route',
        ),
      }),
    options: (options) => ({
      fieldsFor: around(options.fieldsFor, () => 'option fields'),
      settingsFor: around(options.settingsFor, () => 'option handler'),
    }),
  }
}

/** What a write is about: its events, or else what it changes. */
function nameOfChanges(changes: readonly Change[]): string {
  const events = changes.flatMap((change) =>
    'put' in change && change.put === 'event' ? [change.event.kind] : [],
  )
  const names =
    events.length > 0
      ? events
      : changes.filter((change) => !('put' in change && change.put === 'usage')).map(nameOfChange)
  return `write of ${[...new Set(names)].toSorted().join(', ')}`
}

function nameOfChange(change: Change): string {
  if ('remove' in change) return `removed ${change.remove}`
  if (change.put === 'event' || change.put === 'usage') return change.put
  const { status, target, attempt } = change.put === 'cluster' ? change.cluster : change.worker
  const asked = attempt === null ? '' : attempt.handle === null ? ' asked' : ' accepted'
  return `${change.put} ${status}${asked}${target === status ? '' : ` to be ${target}`}`
}
