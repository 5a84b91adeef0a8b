// Makes the programs of `dist/` from `src/`: one file for each, and for what they share a few in `lib/`. Most of a program's
// start was the reading of hundreds of small files. Names and comments stay, so that a stack can be read.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { bundlePage } from './bundle-page.ts'

const root = join(import.meta.dirname, '../..')

/** The programs: their files in `dist/`, without `.js`, and their sources. */
const programs = {
  'cli/main': 'src/cli/main.ts',
  'cli/managed-proxy': 'src/cli/managed-proxy.ts',
  'cli/launcher': 'src/cli/launcher.ts',
  'proxy/splice-worker': 'src/proxy/splice-worker.ts',
  'store/store-worker': 'src/store/store-worker.ts',
  'auth/htpasswd/bcrypt-worker': 'src/auth/htpasswd/bcrypt-worker.ts',
  'command/main': 'client/command/main.ts',
}

/** Writes them, with `more` (output name to source), to a folder that lies in the package's, as `packageFolder` wants it. */
export async function bundle(
  folder: string,
  more: { readonly [name: string]: string } = {},
): Promise<void> {
  const build = await rolldown({
    cwd: root,
    input: { ...programs, ...more },
    platform: 'node',
    // koffi finds its compiled half beside itself.
    external: [/^node:/, 'koffi'],
    transform: { target: 'node24' },
  })
  const { output } = await build.write({
    dir: folder,
    // An ES module that imports node:http makes Node read all of its fetch, which takes 30 ms.
    format: 'cjs',
    entryFileNames: '[name].js',
    chunkFileNames: 'lib/[name].js',
    comments: false,
    codeSplitting: {
      groups: [
        { name: 'zod', test: /node_modules.zod/ },
        { name: 'kysely', test: /node_modules.kysely/ },
        // Its api is of prom-client too.
        { name: 'opentelemetry', test: /node_modules.@opentelemetry.(?!api\b)/ },
        { name: 'oauth4webapi', test: /node_modules.oauth4webapi/ },
        { name: 'fastify-and-prom-client', test: /node_modules/ },
      ],
    },
  })
  await build.close()
  // Node keeps the text of what it runs in memory, with two bytes for each character if one of them needs two.
  for (const each of output)
    if (each.type === 'chunk') writeFileSync(join(folder, each.fileName), narrow(each.code))
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }\n')
  const sources = output.flatMap((each) => (each.type === 'chunk' ? each.moduleIds : []))
  writeFileSync(join(folder, 'licenses.txt'), licenses(sources))
}

/** Without comments, such a character can only be in a string, a regular expression or a name, where an escape is the same. */
function narrow(code: string): string {
  return code.replace(
    /[^\0-\xff]/g,
    (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The licences of the packages that `sources` are from. */
function licenses(sources: readonly string[]): string {
  const folders = sources.flatMap(
    (path) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [],
  )
  return [...new Set(folders)].sort().map(licenseOf).join('\n')
}

function licenseOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each))
  if (file === undefined && !license)
    throw new Error(`${name} does not say under which licence it is, and may not be shipped`)
  const text = file === undefined ? '' : `\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
  return `==== ${name} ${version}: ${license}\n${text}`
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2)
  if (folder === undefined || existsSync(folder))
    throw new Error('usage: bundle.ts FOLDER, which must be new')
  await bundle(folder)
  await bundlePage(join(folder, 'web'))
}
