import { GatewayError } from '../core/index.ts'
import { type Layer, TypedText } from './layer.ts'

/** `--Class.setting=value`, as typed. The last of several wins. */
export function readCommandLine(words: readonly string[]): Layer {
  return {
    notes: [],
    assignments: words.map((word) => {
      const match = /^(?:--)?(?:\w+\.)*(\w+)\.(\w+)=(.*)$/s.exec(word)
      if (match === null)
        throw new GatewayError(
          'configuration',
          `command line: ${JSON.stringify(word)} is no setting; write --Class.setting=value, such as --Proxy.address=:8000`,
        )
      const [, className = '', setting = '', text = ''] = match
      return { className, setting, value: new TypedText(text), source: 'command line' }
    }),
  }
}
