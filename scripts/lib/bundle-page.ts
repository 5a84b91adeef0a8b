// Makes the page that the gateway serves from `web/`: index.html, and beside it the files that it names, each called by what is in it,
// so that browsers may keep them for ever.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { rolldown } from 'rolldown'

const root = join(import.meta.dirname, '../..')
const source = join(root, 'web')

export async function bundlePage(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const files = {
    'page.js': await script(),
    'page.css': readFileSync(join(source, 'page.css'), 'utf8'),
    'icon.svg': readFileSync(join(source, 'icon.svg'), 'utf8'),
  }
  let page = readFileSync(join(source, 'index.html'), 'utf8')
  for (const [name, text] of Object.entries(files)) {
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 12)
    const hashed = name.replace(/\.\w+$/, `-${hash}${extname(name)}`)
    writeFileSync(join(folder, hashed), text)
    if (!page.includes(`assets/${name}"`)) throw new Error(`index.html does not name ${name}`)
    page = page.replaceAll(`assets/${name}"`, `assets/${hashed}"`)
  }
  writeFileSync(join(folder, 'index.html'), page)
}

async function script(): Promise<string> {
  const build = await rolldown({ input: join(source, 'main.ts'), platform: 'browser' })
  const { output } = await build.generate({
    format: 'es',
    minify: true,
    codeSplitting: false,
    comments: { legal: false },
  })
  await build.close()
  const [only, ...others] = output
  if (others.length > 0) throw new Error('The page is to be one script')
  return only.code
}
