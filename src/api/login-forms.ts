import type { Authenticator, TokenLogin } from '../core/index.ts'
import { Html, html } from './html.ts'
import { safeNextPath } from './next-path.ts'

interface FormFields {
  readonly prefix: string
  readonly state: string
  readonly next: string
  /** As typed at the try before; empty at the first. */
  readonly username: string
  readonly message: string | null
  readonly warning: string | null
}

/** The content of the login page, by the way that the authenticator takes logins. */
export function loginForm(authenticator: Authenticator, fields: FormFields): Html {
  const { login } = authenticator
  const next = safeNextPath(fields.next, fields.prefix) ?? ''
  const notices = html`${alert(fields.warning)}${alert(fields.message)}`
  if (login === null) {
    return html`<h1>Log in</h1>
<p>This gateway does not take logins here (it uses ${authenticator.challenge}).</p>`
  }
  // A link, not a form: where a form may lead is restricted (form-action), and the way to another login can be long.
  if (login.form === 'redirect' || login.form === 'negotiate') {
    const [issuer, programs] =
      login.form === 'redirect' ? [login.issuer, login.programs] : ['Kerberos', undefined]
    return html`<h1>Log in to the Dask gateway</h1>
${notices}<p><a class="button" href="${prefixedStart(fields.prefix, next)}">Log in with ${issuer}</a></p>${
      programs === undefined
        ? ''
        : html`
<p><small>${programs}</small></p>`
    }`
  }
  return html`<h1>Log in to the Dask gateway</h1>
${notices}<form method="post" action="${fields.prefix}/login">
<input type="hidden" name="state" value="${fields.state}">
<input type="hidden" name="next" value="${next}">
${login.form === 'token' ? tokenFields(login) : passwordFields(authenticator.open, fields.username)}<button>Log in</button>
</form>`
}

function prefixedStart(prefix: string, next: string): string {
  return `${prefix}/login/start${next === '' ? '' : `?next=${encodeURIComponent(next)}`}`
}

function passwordFields(open: boolean, username: string): Html {
  const focus = new Html(' autofocus')
  const isFirst = username === ''
  return html`<label for="username">User name</label>
<input id="username" name="username" value="${username}" autocomplete="username" required${isFirst ? focus : ''}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"${isFirst ? '' : focus}${open ? new Html(' aria-describedby="hint"') : ''}>
${open ? html`<small id="hint">No password is set up here: any password will do.</small>\n` : ''}`
}

function tokenFields({ issuer, tokenPage }: TokenLogin): Html {
  const where =
    tokenPage === null
      ? html`You get one on the page “Token” of ${issuer}.`
      : html`You get one <a href="${tokenPage}">on this page of ${issuer}</a>.`
  return html`<label for="token">Token of ${issuer}</label>
<input id="token" name="token" type="password" autocomplete="off" spellcheck="false" required autofocus aria-describedby="hint">
<small id="hint">${where}</small>
`
}

function alert(message: string | null): Html {
  return message === null ? new Html('') : html`<p role="alert">${message}</p>\n`
}
