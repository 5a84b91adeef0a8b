import { type Backend, type BackendContext, GatewayError } from '../../core/index.ts'
import type { unsafeLocalBackendSettings } from './settings.ts'

export type LocalValues = NonNullable<(typeof unsafeLocalBackendSettings)['values']>

export function createLocalBackend(_values: LocalValues, _context: BackendContext): Backend {
  throw new GatewayError('internal', 'in the making')
}
