import type { User } from './user.ts'

/** What an authenticator may look at. */
export interface Credentials {
  /** The `Authorization` header, or null. */
  readonly authorization: string | null
  /** The peer's address as the gateway sees it (behind trusted proxies, the client's). */
  readonly address: string
}

export type AuthResult =
  | {
      readonly outcome: 'accepted'
      readonly user: User
      /** Headers that the successful reply must carry (Kerberos' mutual token). */
      readonly replyHeaders?: { readonly [name: string]: string }
      /** What `RedirectLogin.end` is to be given at the logout. Kept by the browser alone. */
      readonly logoutHint?: string
    }
  /** `reason` goes to the log and, as one ASCII line, into the HTTP reason phrase: it names no secret. */
  | { readonly outcome: 'refused'; readonly reason: string }

/**
 * Decides who somebody is. Called by `api/` only, when no session tells. Throws `GatewayError` when it
 * cannot decide ('upstream' and 'internal' keep their sentence); never throws for bad credentials.
 */
export interface Authenticator {
  /** The value of `WWW-Authenticate` on a 401. */
  readonly challenge: string
  /** How a person logs in by the browser; null: not by a page of ours. */
  readonly login: BrowserLogin | null
  /** Whether anybody may be anybody (the simple authenticator without a password). */
  readonly open: boolean
  start(): Promise<void>
  /** Reads its files (certificates) anew; throws 'configuration' when they are wrong, and goes on with what it had. */
  reload?(): Promise<void>
  stop(): Promise<void>
  authenticate(credentials: Credentials): Promise<AuthResult>
  /** Whether there is such a user still: sessions and tokens of others end. Without it, there is. */
  knows?(username: string): boolean
}

/**
 * What the login page offers. `api/` shows the form or sends the browser away, guards both against other sites, and begins
 * the session; the authenticator judges. The methods throw and refuse as `authenticate` does.
 */
export type BrowserLogin = PasswordLogin | TokenLogin | RedirectLogin | NegotiateLogin

export interface PasswordLogin {
  readonly form: 'password'
  check(username: string, password: string): Promise<AuthResult>
}

/** A token of another server, pasted. */
export interface TokenLogin {
  readonly form: 'token'
  /** Who gives out the tokens, as people call it. */
  readonly issuer: string
  /** The URL of the page where one gets a token; null: not known. */
  readonly tokenPage: string | null
  check(token: string): Promise<AuthResult>
}

/** The browser proves its user by itself when it is asked to (RFC 4559); `authenticate` judges what it sends. */
export interface NegotiateLogin {
  readonly form: 'negotiate'
}

/** The login page of another server, which sends the browser back with a code (OAuth 2.0, OpenID Connect). */
export interface RedirectLogin {
  readonly form: 'redirect'
  /** Where people log in, as they call it. */
  readonly issuer: string
  /** The URL to send the browser to. */
  begin(attempt: LoginAttempt): Promise<string>
  /** `answer`: the query that the browser came back with. Its state has been checked, nothing else. */
  finish(attempt: LoginAttempt, answer: URLSearchParams): Promise<AuthResult>
  /** What people should know who come with programs; without: nothing. */
  readonly programs?: string
  /** The URL where the browser logs out there too; null: nowhere. Without it, that server knows no such thing. */
  end?(logout: LogoutAttempt): Promise<string | null>
}

/** A browser that has no session of ours any more, and wants none there. */
export interface LogoutAttempt {
  /** Our callback as this browser would reach it. */
  readonly callbackUrl: string
  /** Of the login; null: the browser has it no more. */
  readonly hint: string | null
}

/** One try of a browser to log in elsewhere: the same values at its begin and at its end. */
export interface LoginAttempt {
  /** The callback as this browser would reach it, judging by its request. */
  readonly callbackUrl: string
  /** Goes there and comes back. Signed, tied to the browser, and good for one quarter of an hour. */
  readonly state: string
  /** 64 hexadecimal digits that nobody else learns: for PKCE's verifier and for nonces. */
  readonly secret: string
}

/** A browser's or client's session, made by a header or by a login. */
export interface Session {
  readonly user: User
  /** `header`: lives `Authenticator.cache_max_age`; `login`: `Authenticator.session_max_age`. */
  readonly kind: 'header' | 'login'
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** Keeps sessions; only a hash of the random value is stored. */
export interface Sessions {
  readonly cookieName: string
  /** Makes a session and returns the secret value for the cookie. */
  create(
    user: User,
    kind: Session['kind'],
  ): Promise<{ readonly value: string; readonly maxAgeSeconds: number }>
  /** The session of a cookie's value; null: none, or over. Fast: called on every request. */
  find(value: string): Session | null
  /** Whose sessions there are. */
  users(): Iterable<string>
  /** Ends it at once. */
  end(value: string): Promise<void>
  /** Names the session of a cookie's value where it may be seen: it opens nothing. */
  idOf(value: string): string
  /** Whether the session of this id has neither ended nor run out. */
  isOpen(id: string): boolean
  /** Calls back with the id of each session that `end` ends. */
  onEnd(listener: (id: string) => void): void
}
