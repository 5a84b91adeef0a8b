import type { Observation } from '../../core/index.ts'

type Gone = Extract<Observation, { readonly state: 'gone' }>

/** ContainerExitStatus of YARN 3.4: what the system did, in words. Other numbers are those of the process. */
const systemEnds: { readonly [status: number]: { words: string; interrupted: boolean } } = {
  [-100]: { words: 'YARN released its container, or lost its node', interrupted: true },
  [-101]: { words: 'the disks of its node failed', interrupted: true },
  [-102]: { words: 'YARN preempted it', interrupted: true },
  [-103]: { words: 'it was killed for using too much virtual memory', interrupted: false },
  [-104]: { words: 'it was killed for using too much memory', interrupted: false },
  [-105]: { words: 'it was stopped', interrupted: false },
  [-106]: { words: 'YARN killed its container', interrupted: true },
  [-107]: { words: 'its application has ended', interrupted: false },
  [-108]: { words: 'it was killed for writing too much to its log', interrupted: false },
}

/** How a container ended, by the status and the diagnostics that YARN gives. */
export function containerEnd(given: number, diagnostics: string): Gone {
  const status = overLimit(diagnostics) ?? given
  const system = systemEnds[status]
  if (system === undefined)
    return { state: 'gone', reason: `exited with status ${status}`, exitCode: status }
  const why = sentence(diagnostics)
  return {
    state: 'gone',
    reason: why === '' ? system.words : `${system.words}: ${why}`,
    exitCode: null,
    ...(system.interrupted ? { interrupted: true } : {}),
  }
}

/** A process that ends in order when it is killed for its memory has the status of its own, such as 0. */
function overLimit(diagnostics: string): number | null {
  const [, kind] = /beyond (?:the )?'?(physical|virtual)'? memory limit/i.exec(diagnostics) ?? []
  return kind === undefined ? null : kind.toLowerCase() === 'physical' ? -104 : -103
}

/** What YARN says, as one line: without its time stamps, names of Java's exceptions and what it prints of processes and of our command. */
export function sentence(diagnostics: string): string {
  return (
    diagnostics
      .replace(/\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\]/g, ' ')
      .split(/\bDump of the process-tree|\bException from container-launch|\n\s*at [\w.$]+\(/)[0]
      ?.replace(
        /For more detailed output, check.*?Then click on links to logs of each attempt\.?/gs,
        '',
      )
      .replace(/\b(?:[a-z]\w*\.)+[A-Z]\w*(?:Exception|Error): /g, '')
      .replace(/\s+/g, ' ')
      .trim()
      .slice(0, 1000) ?? ''
  )
}

/** The last lines of what a failed container had to say, which YARN puts into its diagnostics; null: they are not there. */
export function stderrOf(diagnostics: string): string | null {
  const parts = diagnostics.split(/Last \d+ bytes of stderr\s*:\s*\n/)
  return parts.length < 2
    ? null
    : (parts.at(-1)?.replace(/\n*For more detailed output.*$/s, '\n') ?? null)
}
