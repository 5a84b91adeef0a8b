import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'

/** Text that is HTML already. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A template whose values are escaped unless they are Html. */
export function html(
  strings: TemplateStringsArray,
  ...values: readonly (string | Html | readonly Html[])[]
): Html {
  const texts = values.map((value) =>
    typeof value === 'string'
      ? escaped(value)
      : value instanceof Html
        ? value.text
        : value.map((each) => each.text).join(''),
  )
  return new Html(strings.map((part, index) => part + (texts[index] ?? '')).join(''))
}

const entities: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

const style = `:root{color-scheme:light dark;--line:#8888;--accent:#b3470e}
@media(prefers-color-scheme:dark){:root{--accent:#ffa36c}}
body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}
h1{font-size:1.5rem}label{display:block;margin:1rem 0 .25rem}
input,button{font:inherit;padding:.5rem .75rem;border:1px solid var(--line);border-radius:.375rem}
input{width:100%;box-sizing:border-box}button{margin-top:1.25rem;cursor:pointer}
a{color:var(--accent)}a.button{display:inline-block;padding:.5rem .75rem;border:1px solid;border-radius:.375rem;text-decoration:none}pre{overflow:auto;padding:.75rem;border:1px solid var(--line);border-radius:.375rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.375rem .5rem;border-bottom:1px solid var(--line)}
[role=alert]{border-left:4px solid var(--accent);padding:.5rem .75rem;font-weight:600}small{opacity:.8}`

const styleHash = createHash('sha256').update(style).digest('base64')

/** Sends a page of ours: no script at all, and in no frame. */
export function sendPage(
  reply: FastifyReply,
  status: number,
  title: string,
  content: Html,
  formTargets: readonly string[] = [],
): FastifyReply {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
<main>
${content}
</main>
</body>
</html>
`
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    `form-action ${["'self'", ...formTargets].join(' ')}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  return (
    reply
      .code(status)
      .header('content-type', 'text/html; charset=utf-8')
      .header('content-security-policy', policy.join('; '))
      .header('cache-control', 'no-store')
      .header('x-content-type-options', 'nosniff')
      .header('x-frame-options', 'DENY')
      // Not "no-referrer": with that, browsers send `Origin: null` with our own forms (Fetch standard, "append a request Origin header").
      .header('referrer-policy', 'same-origin')
      .send(page.text)
  )
}
