import { type Browser, type BrowserContext, chromium } from 'playwright-core'

const options = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
    ...['--disable-background-networking', '--disable-component-update'],
  ],
  timeout: 30_000,
}

/** Debian's Chromium, which asks nobody on the network for anything. The caller closes it. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch(options)
}

/**
 * The same with a profile in a folder, as a person has it, where `startBrowser` has private windows: in those, a browser
 * sends nobody's tickets.
 */
export function startOwnBrowser(
  folder: string,
  own: { readonly arguments: readonly string[]; readonly env: NodeJS.ProcessEnv },
): Promise<BrowserContext> {
  const args = [...options.args, ...own.arguments]
  return chromium.launchPersistentContext(folder, {
    ...{ ...options, args, env: { ...process.env, ...own.env } },
  })
}
