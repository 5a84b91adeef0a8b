import * as z from 'zod'
import {
  type QuotaHolder,
  type QuotaLimits,
  type QuotaOverride,
  quotaScopes,
} from '../core/index.ts'
import { type Query, query } from './query.ts'
import { jsonText, parsedRow } from './rows.ts'

export function quotaFromRow(row: unknown): QuotaOverride {
  const { scope, name, limits, set_by, set_at } = parsedRow(quotaRow, 'quota', row)
  return { scope, name, limits, setBy: set_by, setAt: set_at }
}

export function quotaUpsert({ scope, name, limits, setBy, setAt }: QuotaOverride): Query {
  const values = { limits: JSON.stringify(limits), set_by: setBy, set_at: setAt }
  return query
    .insertInto('quota')
    .values({ scope, name, ...values })
    .onConflict((conflict) => conflict.columns(['scope', 'name']).doUpdateSet(values))
}

export function quotaRemoval({ scope, name }: QuotaHolder): Query {
  return query.deleteFrom('quota').where('scope', '=', scope).where('name', '=', name)
}

const limit = z.number().nullable().optional()
const limits = z.object({ clusters: limit, workers: limit, cores: limit, memory: limit })

const quotaRow = z.object({
  scope: z.enum(quotaScopes),
  name: z.string(),
  // JSON has no member that is undefined, so that absent ones are absent.
  limits: jsonText(limits as z.ZodType<QuotaLimits>),
  set_by: z.string(),
  set_at: z.number(),
})
