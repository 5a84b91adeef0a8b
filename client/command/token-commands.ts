import { type AccessToken, GatewayError, type TokenScope } from '../src/index.ts'
import { type Command, type Context, textOf } from './context.ts'
import { UsageError } from './exit-codes.ts'
import { timeOf } from './words.ts'

const scopes: readonly TokenScope[] = ['read', 'manage', 'admin']
const headings = ['ID', 'NAME', 'SCOPE', 'EXPIRES', 'LAST USED'] as const

export const tokenCommands: readonly Command[] = [
  {
    name: 'token create',
    operands: ['NAME'],
    summary:
      'make an access token, which a program uses in place of your password; it is printed this once',
    options: {
      scope: {
        type: 'string',
        short: 's',
        value: 'SCOPE',
        help: 'read, manage (own clusters; unless said) or admin',
      },
      expires: {
        type: 'string',
        short: 'e',
        value: 'TIME',
        help: 'such as 12h or 30d, or never; unless said after 90 days',
      },
    },
    run: create,
  },
  {
    name: 'token ls',
    operands: [],
    summary: 'your access tokens',
    options: {},
    async run({ gateway, output, signal }) {
      const tokens = await (await gateway()).tokens({ signal })
      if (output.isJson) output.json(tokens)
      else output.table(headings, tokens.map(tokenRow))
      return undefined
    },
  },
  {
    name: 'token revoke',
    operands: ['TOKEN…'],
    summary: 'end access tokens, by name or id',
    options: {},
    async run({ gateway, operands, output, signal }) {
      const client = await gateway()
      const tokens = await client.tokens({ signal })
      const ids = operands.map((given) => tokenNamed(tokens, given).id)
      for (const id of ids) await client.revokeToken(id, { signal })
      if (output.isJson) output.json({ revoked: ids })
      return undefined
    },
  },
]

export const adminTokenCommands: readonly Command[] = [
  {
    name: 'admin tokens',
    operands: [],
    summary: "everybody's access tokens",
    options: { user: { type: 'string', short: 'u', value: 'NAME', help: 'only of this user' } },
    async run({ gateway, values, output, signal }) {
      const tokens = await (await gateway()).admin.tokens(textOf(values, 'user'), { signal })
      if (output.isJson) output.json(tokens)
      else
        output.table(
          ['USER', ...headings],
          tokens.map((each) => [each.username, ...tokenRow(each)]),
        )
      return undefined
    },
  },
  {
    name: 'admin revoke',
    operands: ['TOKEN…'],
    summary: "end anybody's access tokens, by id",
    options: {},
    async run({ gateway, operands, output, signal }) {
      const { admin } = await gateway()
      for (const id of operands) await admin.revokeToken(id, { signal })
      if (output.isJson) output.json({ revoked: operands })
      return undefined
    },
  },
]

async function create({ gateway, operands, values, output, signal }: Context): Promise<undefined> {
  const given = textOf(values, 'scope') ?? 'manage'
  const scope = scopes.find((each) => each === given)
  if (scope === undefined)
    throw new UsageError(`--scope: "${given}" is none of ${scopes.join(', ')}`)
  const expires = textOf(values, 'expires')
  const life = expires === undefined ? {} : { expires_in: secondsOf(expires) }
  const { secret, ...token } = await (await gateway()).createToken(
    { name: operands[0] ?? '', scope, ...life },
    { signal },
  )
  if (output.isJson) output.json({ ...token, secret })
  else {
    output.notice(
      `Token ${token.id} may ${scope}; it expires ${endOf(token)}. Nobody can show it again:`,
    )
    output.line(secret)
  }
  return undefined
}

const unitSeconds: { readonly [unit: string]: number } = { m: 60, h: 3600, d: 86_400 }

function secondsOf(text: string): number | null {
  if (text === 'never') return null
  const [, count, unit = ''] = /^(\d{1,9})([mhd])$/.exec(text) ?? []
  const seconds = Number(count) * (unitSeconds[unit] ?? Number.NaN)
  if (seconds > 0) return seconds
  throw new UsageError(`--expires: "${text}" is no time: write 30m, 12h, 90d or never`)
}

function tokenNamed(tokens: readonly AccessToken[], given: string): AccessToken {
  const found = tokens.find(({ id, name }) => id === given || name === given)
  if (found !== undefined) return found
  throw new GatewayError('not-found', `You have no token "${given}"`)
}

function tokenRow(token: AccessToken): string[] {
  const { id, name, scope, last_used_at } = token
  return [id, name, scope, endOf(token), last_used_at === null ? 'never' : timeOf(last_used_at)]
}

function endOf({ expires_at }: AccessToken): string {
  return expires_at === null ? 'never' : timeOf(expires_at)
}
