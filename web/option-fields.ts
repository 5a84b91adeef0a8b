import type { Json, OptionField } from '../client/src/index.ts'
import { element } from './dom.ts'
import { formField, type Input } from './form-field.ts'

/** One option as a field of a form. */
export interface ChosenField {
  readonly name: string
  readonly node: HTMLElement
  /** `value` undefined: the default, which the gateway knows. */
  read(): { readonly value: Json | undefined; readonly problem: string | null }
  /** Says what is wrong beside the field, and gives it the focus. */
  refuse(problem: string): void
}

type Read = ReturnType<ChosenField['read']>

const right = (value: Json | undefined): Read => ({ value, problem: null })
const wrong = (problem: string): Read => ({ value: undefined, problem })

export function optionField(option: OptionField, index: number): ChosenField {
  const { field: name, label } = option
  const { input, hint, read } = controlOf(option, `option-${index}`)
  const { node, accept, refuse } = formField(label === '' ? name : label, input, hint)
  return {
    ...{ name, node, refuse },
    read() {
      accept()
      return read()
    },
  }
}

function controlOf(
  option: OptionField,
  id: string,
): { readonly input: Input; readonly hint: string | null; readonly read: () => Read } {
  const { spec, default: usual } = option
  switch (spec.type) {
    case 'bool': {
      const input = element('input', { id, type: 'checkbox', checked: usual === true })
      return { input, hint: null, read: () => right(input.checked) }
    }
    case 'select':
      return selectOf(option, id)
    case 'int':
    case 'float':
      return numberOf(option, id)
    case 'mapping': {
      const text = JSON.stringify(usual ?? {}, null, 2)
      const input = element('textarea', { id, rows: 4, spellcheck: 'false', class: 'code' }, text)
      return { input, hint: 'JSON, such as {"NAME": "value"}', read: () => mapping(input.value) }
    }
    default: {
      const input = element('input', { id, value: textOf(usual), autocomplete: 'off' })
      const isUnset = usual === null
      return {
        input,
        hint: null,
        read: () => right(isUnset && input.value === '' ? undefined : input.value),
      }
    }
  }
}

function selectOf({ spec, default: usual }: OptionField, id: string) {
  const choices = Array.isArray(spec.options) ? spec.options.map(String) : []
  const input = element(
    'select',
    { id },
    ...choices.map((each) => element('option', { value: each, selected: each === usual }, each)),
  )
  // By place: an attribute's value could be another text than the choice.
  return { input, hint: null, read: () => right(choices[input.selectedIndex]) }
}

function numberOf({ spec, default: usual }: OptionField, id: string) {
  const isWhole = spec.type === 'int'
  const { min, max } = spec
  const bounds = [
    typeof min === 'number' ? `from ${min}` : '',
    typeof max === 'number' ? `${typeof min === 'number' ? '' : 'up '}to ${max}` : '',
  ]
    .filter((part) => part !== '')
    .join(' ')
  const what = isWhole ? 'a whole number' : 'a number'
  const input = element('input', {
    ...{ id, value: textOf(usual), autocomplete: 'off', size: 12 },
    inputmode: isWhole && typeof min === 'number' && min >= 0 ? 'numeric' : 'decimal',
  })
  const read = (): Read => {
    const text = input.value.trim()
    if (text === '') return usual === null ? right(undefined) : wrong(`Enter ${what}`)
    const value = Number(text)
    const isNumber = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)
    if (!isNumber || !Number.isFinite(value) || (isWhole && !Number.isSafeInteger(value)))
      return wrong(`“${text.slice(0, 40)}” is not ${what}`)
    if (typeof min === 'number' && value < min) return wrong(`The least is ${min}`)
    if (typeof max === 'number' && value > max) return wrong(`The most is ${max}`)
    return right(value)
  }
  const hint = `${isWhole ? 'Whole number' : 'Number'}${bounds === '' ? '' : ` ${bounds}`}`
  return { input, hint, read }
}

function mapping(text: string): Read {
  try {
    const value: unknown = JSON.parse(text.trim() === '' ? '{}' : text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return right(value as { readonly [key: string]: Json })
  } catch {
    // Said below.
  }
  return wrong('This is no JSON object: {"NAME": "value"}')
}

function textOf(value: Json): string {
  return value === null ? '' : String(value)
}
