import type { Json } from '../../core/index.ts'
import { type ApplicationId, readApplicationId } from '../../hadoop/index.ts'

/** What is kept of a scheduler or a worker: the application it runs in. */
export function handleJson(id: string): Json {
  return { application: id }
}

/** null: the record names no application. */
export function applicationOf(handle: Json | null): { text: string; id: ApplicationId } | null {
  if (typeof handle !== 'object' || handle === null || !('application' in handle)) return null
  const { application: text } = handle
  const id = typeof text === 'string' ? readApplicationId(text) : null
  return typeof text === 'string' && id !== null ? { text, id } : null
}
