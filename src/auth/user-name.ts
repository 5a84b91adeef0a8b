/** What is wrong with a user name, or null. Backends ask more of names that become accounts. */
export function faultOfName(username: string): string | null {
  if (username === '') return 'The user name is empty'
  if (username.length > 255) return 'The user name is longer than 255 characters'
  // Control, format (invisible, bidirectional) and line separating characters, and lone surrogates.
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(username)) {
    return 'The user name holds control characters'
  }
  return null
}
