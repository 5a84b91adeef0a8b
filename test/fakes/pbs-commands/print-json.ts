/** As qstat prints it, by cJSON: a tab for each level, and one between a name and its value. */
export function printJson(value: unknown, depth = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const tabs = '\t'.repeat(depth)
  const members = Object.entries(value).map(
    ([name, member]) => `${tabs}\t${JSON.stringify(name)}:\t${printJson(member, depth + 1)}`,
  )
  return `{\n${members.join(',\n')}\n${tabs}}`
}
