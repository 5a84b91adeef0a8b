import { containerLaunchContext, resource } from '../messages/yarn-common.ts'
import type { MessageOf } from '../wire/message.ts'

export type LaunchContext = MessageOf<typeof containerLaunchContext>

/** For an application master of another language. More fields may follow, as with all messages of protocol buffers. */
export function encodeLaunchContext(context: LaunchContext): Buffer {
  return containerLaunchContext.encode(context)
}

export function encodeResource(value: MessageOf<typeof resource>): Buffer {
  return resource.encode(value)
}
