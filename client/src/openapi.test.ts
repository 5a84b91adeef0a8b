import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { openApiDocument } from '../../src/api/openapi.ts'
import { createGatewayClient, type GatewayClient } from './index.ts'

const document = openApiDocument('1.2.3', '')
const root = join(import.meta.dirname, '../..')

interface Schema {
  readonly $ref?: string
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly type?: string | readonly string[]
  readonly properties?: { readonly [name: string]: Schema }
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
}

/** A schema of the document as a type of TypeScript. */
function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return `Document_${schema.$ref.split('/').at(-1)}`
  if (schema.enum !== undefined) return schema.enum.map((each) => JSON.stringify(each)).join(' | ')
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' | ')
  if (schema.type === undefined) return 'Json'
  return [schema.type]
    .flat()
    .map((type) => typeNamed(type, schema))
    .join(' | ')
}

function typeNamed(type: string, schema: Schema): string {
  if (type === 'integer') return 'number'
  if (type === 'array') return `readonly (${typeOf(schema.items ?? {})})[]`
  if (type !== 'object') return type
  if (typeof schema.additionalProperties === 'object')
    return `{ readonly [name: string]: ${typeOf(schema.additionalProperties)} }`
  if (schema.properties === undefined) return 'JsonObject'
  const members = Object.entries(schema.properties).map(
    ([name, member]) =>
      `readonly ${name}${schema.required?.includes(name) ? '' : '?'}: ${typeOf(member)}`,
  )
  return `{ ${members.join('; ')} }`
}

// The shapes that are types of the SDK under the same name.
const shared = [
  ...['User', 'ClusterInfo', 'ClusterPage', 'OptionField', 'ScaleResult', 'Event', 'Worker'],
  ...['LogPiece', 'AuditEvent', 'Drain', 'AdminHealth'],
  ...['Quota', 'Quotas', 'QuotaLimits'],
  ...['AccessToken', 'AccessTokens', 'NewAccessToken', 'CreatedAccessToken'],
  ...['Usage', 'UsageSum'],
]

async function faultsOf(change: (source: string) => string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'types-'))
  try {
    const schemas = Object.entries(document.components.schemas as { [name: string]: Schema })
    const source = [
      `import type * as Sdk from '${join(root, 'client/src/index.ts')}'`,
      'type Json = Sdk.Json',
      'type JsonObject = Sdk.JsonObject',
      'type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false',
      ...schemas.map(([name, schema]) => `type Document_${name} = ${typeOf(schema)}`),
      ...shared.map((name) => `export const is${name}: Same<Document_${name}, Sdk.${name}> = true`),
      "export const isCode: Same<Document_Error['code'], Exclude<Sdk.ErrorCode, 'unreachable' | 'unexpected'>> = true",
    ].join('\n')
    writeFileSync(join(folder, 'check.mts'), change(source))
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: join(root, 'client/tsconfig.json'),
        include: ['check.mts'],
        compilerOptions: { rootDir: '/', noEmit: true },
      }),
    )
    const tsc = join(root, 'node_modules/.bin/tsc')
    const run = promisify(execFile)(tsc, ['-p', folder], { cwd: root })
    return await run.then(
      ({ stdout }) => stdout,
      (error: { readonly stdout: string }) => error.stdout,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test("the types are the document's, and a difference would be noticed", async () => {
  assert.equal(await faultsOf((source) => source), '')
  const faults = await faultsOf((source) =>
    source.replace('readonly pending_reason:', 'readonly other:'),
  )
  assert.match(faults, /TS2322: Type 'true' is not assignable to type 'false'/)
})

test('without Node: the source compiles for browsers alone', async () => {
  const tsc = join(root, 'node_modules/.bin/tsc')
  const config = join(root, 'client/tsconfig.json')
  await promisify(execFile)(tsc, ['--noEmit', '-p', config], { cwd: root })
})

test('every method asks for an operation of the document, and every operation for users has its method', async () => {
  const asked = new Set<string>()
  const gateway = createGatewayClient({
    address: 'http://gateway.test',
    fetch: async (input, init) => {
      asked.add(operationOf(init?.method ?? 'GET', new URL(String(input)).pathname))
      return new Response('event: end\ndata: {}\n\n', { status: 200 })
    },
  })
  await callAll(gateway)
  const server = ['/api/health', '/livez', '/readyz', '/heartbeat', '/am']
  // The Python client's, with a key in the answer; the SDK has routes without one.
  const old = ['GET /api/v1/clusters/', 'GET /api/v1/clusters/{name}']
  const described = Object.entries(document.paths)
    .flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`))
    .filter((each) => !old.includes(each) && !server.some((path) => each.endsWith(path)))
  assert.deepEqual([...asked].sort(), described.sort())
})

function operationOf(method: string, path: string): string {
  const template = path
    .replace(/(\/clusters\/)[^/]+/, '$1{name}')
    .replace(/(\/tokens\/)[^/]+/, '$1{id}')
    .replace(/(\/quotas\/)[^/]+\/[^/]+/, '$1{scope}/{name}')
  return `${method} ${template}`
}

/** Calls each method once, whatever comes of it. */
async function callAll(gateway: GatewayClient): Promise<void> {
  const { admin, address: _address, dashboardUrl: _dashboardUrl, ...methods } = gateway
  for (const method of [...Object.values(methods), ...Object.values(admin)]) {
    try {
      const result: unknown = (method as (name: string, more?: object) => unknown)('x')
      if (result !== null && typeof result === 'object' && Symbol.asyncIterator in result)
        for await (const _each of result as AsyncIterable<unknown>) break
      else await result
    } catch {
      // The answers are none; that it asked is enough.
    }
  }
}
