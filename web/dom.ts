import { visibleText } from './visible-text.ts'

export type Child = Node | string | null

type Attribute = string | number | boolean | null | ((event: Event) => void)

/**
 * An element of the page. Texts become text nodes and nothing else, whoever wrote them, so no text can be markup. An attribute that is
 * false or null is left out; one whose name begins with "on" is a listener.
 */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: { readonly [name: string]: Attribute } = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name.slice(2), value)
    else if (value !== false && value !== null)
      made.setAttribute(name, value === true ? '' : visibleText(String(value)))
  }
  add(made, ...children)
  return made
}

export function add(parent: Node, ...children: readonly Child[]): void {
  for (const child of children) {
    if (child === null) continue
    parent.appendChild(
      typeof child === 'string' ? document.createTextNode(visibleText(child)) : child,
    )
  }
}

/** Changes the text where it is another: what a person has selected, and what a screen reader reads, stays as it is. */
export function setText(node: Node, text: string): void {
  const shown = visibleText(text)
  if (node.textContent !== shown) node.textContent = shown
}

export function replaceContent(parent: Element, ...children: readonly Child[]): void {
  parent.replaceChildren()
  add(parent, ...children)
}

/** An element of index.html. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`index.html has no #${id}`)
  return found
}

export interface Row<Item> {
  readonly node: HTMLElement
  update(item: Item): void
}

/** Keeps one element for each item, by its key: what has focus stays, and only what changed is touched. */
export function keyedList<Item>(
  parent: HTMLElement,
  keyOf: (item: Item) => string,
  make: (item: Item) => Row<Item>,
) {
  const rows = new Map<string, Row<Item>>()
  return function show(items: readonly Item[]): void {
    const keys = new Set(items.map(keyOf))
    for (const [key, { node }] of rows) {
      if (keys.has(key)) continue
      node.remove()
      rows.delete(key)
    }
    for (const [index, item] of items.entries()) {
      const key = keyOf(item)
      const row = rows.get(key) ?? make(item)
      rows.set(key, row)
      row.update(item)
      const there = parent.children[index] ?? null
      if (there !== row.node) parent.insertBefore(row.node, there)
    }
  }
}
