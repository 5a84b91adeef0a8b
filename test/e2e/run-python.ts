import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after } from 'node:test'
import { waitFor } from '../fakes/wait-for.ts'
import { python, workingDirectory } from './harness.ts'

/** The first lines of a program that has `gateway`. */
export function connectAs(user: string, password?: string): string {
  const given = [user, ...(password === undefined ? [] : [password])]
  return `
import os, sys
from dask_gateway import Gateway, BasicAuth
gateway = Gateway(os.environ["ADDRESS"], auth=BasicAuth(${given.map((each) => JSON.stringify(each)).join(', ')}))
`
}

// A test that fails leaves no program behind that waits for it.
const children = new Set<ChildProcess>()
const clientHome = workingDirectory('client-home')
after(() => {
  for (const child of children) child.kill('SIGKILL')
  clientHome.remove()
})

function remember(child: ChildProcess): void {
  children.add(child)
  child.once('close', () => children.delete(child))
}

const pythonLimitMs = 240_000

export interface PythonRun {
  readonly process: ChildProcess
  /** Waits until the program has printed a line with this text. */
  printed(text: string, limitMs?: number): Promise<void>
  write(line: string): void
  output(): string
  /** Resolves with what it printed; rejects with all of it when the exit status is not 0. */
  readonly ended: Promise<string>
}

/** Runs a Python program with the unmodified client against a gateway. */
export function runPython(
  program: string,
  address: string,
  env: NodeJS.ProcessEnv = {},
): PythonRun {
  let output = ''
  const child = spawn(python, ['-u', '-c', program], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: clientHome.path,
      LANG: 'C.UTF-8',
      ADDRESS: address,
      ...env,
    },
  })
  remember(child)
  const limit = setTimeout(() => child.kill('SIGKILL'), pythonLimitMs)
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  const ended = once(child, 'close').then(([code, signal]) => {
    clearTimeout(limit)
    if (code !== 0) throw new Error(`Python ended with ${code ?? signal}:\n${output}`)
    return output
  })
  ended.catch(() => undefined)
  return {
    process: child,
    async printed(text, limitMs = 60_000) {
      await Promise.race([
        waitFor(`Python to print ${text}`, () => output.includes(text), limitMs).catch(
          (error: Error) => {
            throw new Error(`${error.message}; it printed:\n${output}`)
          },
        ),
        ended.then(() => {
          if (!output.includes(text))
            throw new Error(`Python ended without printing ${text}:\n${output}`)
        }),
      ])
    },
    write: (line) => void child.stdin.write(`${line}\n`),
    output: () => output,
    ended,
  }
}
