import type { Command } from '../../core/index.ts'
import { shellQuoted } from '../../util/index.ts'
import { commandLines } from './command-lines.ts'

/** What one task of a job starts. */
export interface JobTask {
  readonly attemptId: string
  /** Arguments that follow the command. */
  readonly args: readonly string[]
}

export interface JobScript {
  /** The cluster's directory. null: the working directory is a copy of it that the queue has made for this job alone. */
  readonly staging: string | null
  /** By index in the array of jobs. A job that is no array has one. */
  readonly tasks: readonly JobTask[]
  /** The variable in which the queue tells a task its index; null: the job is no array. */
  readonly indexVariable: string | null
  /** Lines that export the environment. */
  readonly exports: string
  /** Variables that name files of the copy, whose place only the job knows. */
  readonly copied: readonly string[]
  /** Lines of bash that run before the command, in the same shell. */
  readonly setup: string
  readonly command: Command
  /** The file in `staging` that says what runs in the command's place, if something does. */
  readonly note?: string
}

/**
 * The job: bash, given to the queue on standard input, so that no other user can read it.
 *
 * Its first act is to claim the attempt. Whoever makes that directory decides: the job, which then runs, or the gateway,
 * which has given the attempt up. A job that a queue starts a second time ends there too.
 */
export function jobScript(script: JobScript): string {
  const { staging, exports, copied, setup, command, note } = script
  return [
    '#!/bin/bash',
    'umask 077',
    ...taskLines(script),
    ...(staging === null ? [] : claimLines(staging)),
    // The queue signals every process of the job: the shell waits for the command's end, and the command decides.
    "trap ':' TERM INT",
    exports.trimEnd(),
    ...copied.map((name) => `export ${name}="$PWD/$${name}"`),
    ...(staging === null ? [] : [`cd -- ${shellQuoted(staging)}`]),
    ...(setup === '' ? [] : [setup]),
    ...commandLines(command, staging === null || note === undefined ? null : `${staging}/${note}`),
    '',
  ].join('\n')
}

function taskLines({ tasks, indexVariable }: JobScript): string[] {
  const lines = tasks.map(({ attemptId, args }) => {
    return `attempt=${attemptId}; arguments=(${args.map(shellQuoted).join(' ')})`
  })
  if (indexVariable === null) return lines.slice(0, 1)
  return [
    `case "$${indexVariable}" in`,
    ...lines.map((line, index) => `${index}) ${line} ;;`),
    `*) echo "dask-gateway: the queue named no task of this job ($${indexVariable})" >&2; exit 1 ;;`,
    'esac',
  ]
}

function claimLines(staging: string): string[] {
  return [
    `if ! mkdir -- ${shellQuoted(staging)}/claim-"$attempt"; then`,
    '  echo "dask-gateway: this attempt has begun elsewhere or was given up; nothing is started" >&2',
    '  exit 1',
    'fi',
  ]
}
