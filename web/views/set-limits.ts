import type { Quota, QuotaLimits, QuotaResource, QuotaScope } from '../../client/src/index.ts'
import { confirmed } from '../controls.ts'
import { element } from '../dom.ts'
import { type FormField, formField } from '../form-field.ts'
import type { Page } from '../page.ts'
import { quotaResources } from './quota-panel.ts'

type TextField = FormField<HTMLInputElement>

/** Asks an administrator for limits: of a user or group that is shown, or of one to be named. Resolves with whether some were set. */
export function setLimits({ client, announce }: Page, shown: Quota | null): Promise<boolean> {
  const scope = formField(
    'Of a',
    element(
      'select',
      { id: 'limits-scope' },
      ...['user', 'group'].map((each) => element('option', {}, each)),
    ),
  )
  const name = text('limits-name', 'Name', '', null)
  const limits = quotaResources.map(([resource, label]) => ({
    resource,
    field: text(
      `limit-${resource}`,
      label,
      writtenOf(shown?.override?.limits[resource]),
      resource === 'memory' ? 'Such as 256 G' : null,
    ),
  }))
  const grid = element('div', { class: 'pair' }, ...limits.map(({ field }) => field.node))
  return confirmed({
    title: shown === null ? 'Set limits' : `Limits of the ${shown.scope} ${shown.name}`,
    text: 'They win over those of the configuration. Empty: as configured; none: without limit. What runs is not stopped for it.',
    action: 'Set limits',
    isHarmless: true,
    more: [...(shown === null ? [scope.node, name.node] : []), grid],
    async run() {
      for (const field of [name, ...limits.map((each) => each.field)]) field.accept()
      const of = shown ?? {
        scope: (['user', 'group'] as const)[scope.input.selectedIndex] ?? 'user',
        name: name.input.value.trim(),
      }
      if (of.name === '') return refused(name, 'Enter the name of a user or group')
      const asked = limitsOf(limits)
      if (asked === null) return false
      return await put(of, asked)
    },
  })

  async function put(of: { scope: QuotaScope; name: string }, asked: QuotaLimits) {
    if (Object.keys(asked).length === 0 && shown?.override != null)
      await client.admin.unsetQuota(of.scope, of.name)
    else await client.admin.setQuota(of.scope, of.name, asked)
    announce(`Limits of the ${of.scope} ${of.name} are set`)
    return true
  }
}

function text(id: string, label: string, value: string, hint: string | null): TextField {
  const plain = { autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none' }
  return formField(label, element('input', { id, value, ...plain }), hint)
}

function refused(field: TextField, problem: string): false {
  field.refuse(problem)
  return false
}

/** null: one is no limit, which its field says. What numbers are right is the gateway's to say. */
function limitsOf(
  fields: readonly { readonly resource: QuotaResource; readonly field: TextField }[],
): QuotaLimits | null {
  const limits: { -readonly [resource in keyof QuotaLimits]: QuotaLimits[resource] } = {}
  for (const { resource, field } of fields) {
    const written = field.input.value.trim()
    if (written === '') continue
    if (/^none$/i.test(written)) limits[resource] = null
    else if (resource === 'memory')
      limits.memory = /^\d+$/.test(written) ? Number(written) : written
    else if (/^\d+(\.\d+)?$/.test(written)) limits[resource] = Number(written)
    else {
      field.refuse('Enter a number, or none')
      return null
    }
  }
  return limits
}

function writtenOf(limit: number | string | null | undefined): string {
  if (limit === undefined) return ''
  return limit === null ? 'none' : String(limit)
}
