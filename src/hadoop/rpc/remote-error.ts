import { HadoopError } from '../errors.ts'
import { type rpcResponseHeader, unauthorizedDetail } from '../messages/rpc.ts'
import type { MessageOf } from '../wire/message.ts'

const maximumWords = 4000

/** What a server refused, in its own words, without its stack. */
export function remoteError(header: MessageOf<typeof rpcResponseHeader>): HadoopError {
  const className = header.exceptionClassName
  const said = (header.errorMsg ?? '').split(/\n\s+at |\nCaused by: /)[0] ?? ''
  // Some come with the class before the words, others without.
  const words =
    className !== undefined && said.startsWith(`${className}: `)
      ? said.slice(className.length + 2)
      : said
  const message = words.trim().slice(0, maximumWords) || className || 'the server gave no reason'
  const isLogin =
    header.errorDetail === unauthorizedDetail ||
    /\.(AuthorizationException|AccessControlException|SaslException)$|InvalidToken$/.test(
      className ?? '',
    )
  return new HadoopError(isLogin && header.status === 'FATAL' ? 'security' : 'remote', message, {
    className,
  })
}
