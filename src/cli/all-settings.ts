import { settingsClasses, settingsReference } from '../config/index.ts'

/** Every setting, for `--help-all`. */
export function allSettings(): string {
  return settingsReference(settingsClasses)
}
