import * as z from 'zod'
import { type QuotaLimits, readQuotaLimits } from './quota.ts'
import * as types from './setting-types.ts'
import { setting, settingsClass } from './settings.ts'

const limitsSchema = z.unknown().transform((value, context): QuotaLimits => {
  const limits = readQuotaLimits(value)
  if (typeof limits !== 'string') return limits
  context.addIssue({ code: 'custom', message: limits })
  return z.NEVER
})

const limits: types.SettingType<QuotaLimits> = { word: 'dict of limits', schema: limitsSchema }

const limitsByName: types.SettingType<{ readonly [name: string]: QuotaLimits }> = {
  word: 'dict of names to dicts of limits',
  schema: z.unknown().transform((value, context) => {
    const isDict = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (!isDict) context.addIssue({ code: 'custom', message: 'must be a dict of names to limits' })
    const byName: { [name: string]: QuotaLimits } = Object.create(null)
    for (const [name, given] of Object.entries(isDict ? value : {})) {
      const read = readQuotaLimits(given)
      if (typeof read !== 'string') byName[name] = read
      else context.addIssue({ code: 'custom', message: `${JSON.stringify(name)}: ${read}` })
    }
    return byName
  }),
}

/** `c.Quotas`. */
export const quotasSettings = settingsClass({
  name: 'Quotas',
  dottedNames: ['dask_gateway_server.quotas.Quotas'],
  help:
    'How much all clusters of a user, or of the members of a group, may be together. Limits are dicts of clusters, workers, cores ' +
    'and memory (bytes, or a number with K, M, G or T); what a dict does not name has no limit. Administrators may set others by the API.',
  settings: {
    user: setting(limits, 'Limits of each user.', { default: {} }),
    users: setting(
      limitsByName,
      'Limits of some users, by name; what one does not name is as for each user, None is without limit.',
      { default: {} },
    ),
    group: setting(limits, 'Limits of each group, over what its members use.', { default: {} }),
    groups: setting(
      limitsByName,
      'Limits of some groups, by name; what one does not name is as for each group, None is without limit.',
      { default: {} },
    ),
    over: setting(
      types.choice('refuse', 'queue'),
      'What becomes of a new cluster for which there is no room: it is refused, or waits and starts in its turn.',
      { default: 'refuse' },
    ),
  },
})

/** The values of `Quotas`. */
export type QuotaPolicy = NonNullable<(typeof quotasSettings)['values']>
