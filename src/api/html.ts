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

// As the page has it (web/page.css).
const style = `:root{color-scheme:light dark;--ground:#fbfaf8;--sheet:#fff;--text:#21201c;--muted:#65625a;--line:#e2dfd8;--strong:#8f8b82;--accent:#b3470e;--on-accent:#fff;--alert:#fdeae7;--alert-line:#b42318}
@media(prefers-color-scheme:dark){:root{--ground:#171614;--sheet:#1f1e1b;--text:#ece9e2;--muted:#a9a59b;--line:#37352f;--strong:#7d796f;--accent:#ffa36c;--on-accent:#1f1408;--alert:#3b1b17;--alert-line:#ff9d91}}
*{box-sizing:border-box}
body{margin:0;padding:1rem;min-height:100vh;display:flex;justify-content:center;align-items:flex-start;background:var(--ground);color:var(--text);font:.9375rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:26rem;margin-top:clamp(0rem,12vh,7rem);padding:2rem;background:var(--sheet);border:1px solid var(--line);border-radius:.75rem;overflow-wrap:anywhere}
svg{display:block;width:2.5rem;height:2.5rem}
h1{font-size:1.375rem;line-height:1.25;letter-spacing:-.01em;margin:1rem 0 1.25rem}
p,ul{margin:0 0 1rem}ul{padding-left:1.25rem}li+li{margin-top:.5rem}
label{display:block;margin:1rem 0 .25rem;font-weight:550;font-size:.875rem}
input,button,a.button{width:100%;min-height:2.5rem;padding:.25rem .75rem;font:inherit;border:1px solid var(--strong);border-radius:.5rem}
input{background:var(--sheet);color:inherit}
button,a.button{display:flex;align-items:center;justify-content:center;background:var(--accent);border-color:var(--accent);color:var(--on-accent);font-weight:550;text-align:center;text-decoration:none;cursor:pointer}
button{margin-top:1.5rem}button:hover,a.button:hover{filter:brightness(1.08)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
a{color:var(--accent);text-underline-offset:.2em}code{font:.8125rem ui-monospace,monospace}
small{display:block;margin-top:.25rem;color:var(--muted);font-size:.8125rem}
[role=alert]{padding:.5rem .875rem;border-left:3px solid var(--alert-line);border-radius:.25rem;background:var(--alert)}`

const mark = new Html(
  '<svg viewBox="0 0 24 24" aria-hidden="true"><rect width="24" height="24" rx="6" fill="#b3470e"/><path d="M5 11.5 12 7.5v3l-7 4zM5 16.5 12 12.5v3l-7 4z" fill="#ffd0b0"/><path d="M13 6.5 19 3.5v11l-6 4z" fill="#fff"/></svg>',
)

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
${mark}
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
