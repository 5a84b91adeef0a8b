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
  /** How a person logs in by the browser: with name and password, or not by a form. */
  readonly loginForm: 'password' | 'none'
  /** Whether anybody may be anybody (the simple authenticator without a password). */
  readonly open: boolean
  start(): Promise<void>
  stop(): Promise<void>
  authenticate(credentials: Credentials): Promise<AuthResult>
  /** The login page's form. Refused where `loginForm` is 'none'. */
  login(username: string, password: string): Promise<AuthResult>
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
  /** Ends it at once. */
  end(value: string): Promise<void>
}
