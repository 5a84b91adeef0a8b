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

const style = `:root{color-scheme:light dark;--line:#8888;--accent:#b3470e;--on-accent:#fff}
@media(prefers-color-scheme:dark){:root{--accent:#ffa36c;--on-accent:#1b1b1b}}
body{font:1rem/1.5 system-ui,sans-serif;max-width:48rem;margin:3rem auto;padding:0 1rem}
h1{font-size:1.5rem;line-height:1.25}h2{font-size:1.2rem;margin-top:2rem}
form{max-width:24rem}label{display:block;margin:1rem 0 .25rem}
input,button,a.button{font:inherit;padding:.5rem .75rem;border:1px solid var(--line);border-radius:.375rem}
input{width:100%;box-sizing:border-box}button{margin-top:1.25rem;cursor:pointer}
button,a.button{background:var(--accent);border-color:var(--accent);color:var(--on-accent);font-weight:600}
a.button{display:inline-block;text-decoration:none}
form.bar{max-width:none;display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.5rem 1rem}
form.bar p{margin:0;overflow-wrap:anywhere}form.bar button{margin:0;background:none;border-color:var(--line);color:inherit;font-weight:400}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
a{color:var(--accent)}pre,code{font-family:ui-monospace,monospace;font-size:.875rem}
pre{overflow:auto;padding:.75rem;border:1px solid var(--line);border-radius:.375rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.375rem .5rem;border-bottom:1px solid var(--line)}
td code{overflow-wrap:anywhere}@media(max-width:40rem){th,td{padding:.375rem .25rem}}@media(min-width:40rem){time{white-space:nowrap}}
[role=alert]{border-left:4px solid var(--accent);padding:.5rem .75rem;font-weight:600}small{display:block;margin-top:.25rem;opacity:.8}`

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
