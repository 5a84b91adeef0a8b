/** Where to log in, so that one comes back to where one is. What follows # never reaches the gateway, so it goes as a parameter. */
export function loginLink(): string {
  const place = location.hash.replace(/^#\/?/, '')
  if (place === '') return 'login'
  const back = `${location.pathname}?at=${encodeURIComponent(`/${place}`)}`
  return `login?next=${encodeURIComponent(back)}`
}

/** Back from there. Whatever `at` is, it only becomes what follows #. */
export function returnToPlace(): void {
  const at = new URLSearchParams(location.search).get('at')
  if (at === null) return
  const here = new URL('.', location.href)
  here.hash = at
  history.replaceState(null, '', here)
}
