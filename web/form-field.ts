import { element, setText } from './dom.ts'

export type Input = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement

/** A control with its label above, a hint below, and between them what is wrong with it. */
export interface FormField<Control extends Input> {
  readonly node: HTMLElement
  readonly input: Control
  /** Nothing is wrong any more; typing says so too. */
  accept(): void
  /** Says what is wrong beside the field. */
  complain(problem: string): void
  /** Says it, and gives the field the focus. */
  refuse(problem: string): void
}

/** `input` has an id. One that is checked stands before its label. */
export function formField<Control extends Input>(
  label: string,
  input: Control,
  hint: string | null = null,
): FormField<Control> {
  const { id } = input
  const problem = element('span', { class: 'problem', id: `${id}-problem` })
  const help = hint === null ? null : element('small', { id: `${id}-hint` }, hint)
  input.setAttribute('aria-describedby', `${id}-problem${help === null ? '' : ` ${id}-hint`}`)
  const title = element('label', { for: id }, label)
  const accept = () => {
    input.removeAttribute('aria-invalid')
    setText(problem, '')
  }
  const complain = (text: string) => {
    input.setAttribute('aria-invalid', 'true')
    setText(problem, text)
  }
  input.addEventListener('input', accept)
  return {
    node:
      input.type === 'checkbox'
        ? element('div', { class: 'field check' }, input, title, problem, help)
        : element('div', { class: 'field' }, title, input, problem, help),
    input,
    accept,
    complain,
    refuse(text) {
      complain(text)
      input.focus()
    },
  }
}
