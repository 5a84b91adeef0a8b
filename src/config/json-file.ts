import { GatewayError, messageOf } from '../core/index.ts'
import type { Layer, RawAssignment } from './layer.ts'
import { plainOptions } from './plain-options.ts'

/** `{"Class": {"setting": value}}`. A member `version` is passed over: files of the old server may carry it. */
export function readJson(file: string, text: string, limitMs: () => number): Layer {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (error) {
    throw new GatewayError('configuration', `${file} is no JSON: ${messageOf(error)}`)
  }
  return layerOf(file, given, limitMs)
}

/** The assignments of an object of that shape. */
export function layerOf(file: string, given: unknown, limitMs: () => number): Layer {
  if (!isObject(given))
    throw new GatewayError(
      'configuration',
      `${file} must hold an object of the shape {"Class": {"setting": value}}`,
    )
  const assignments: RawAssignment[] = []
  for (const [className, settings] of Object.entries(given)) {
    if (className === 'version' && !isObject(settings)) continue
    if (!isObject(settings))
      throw new GatewayError(
        'configuration',
        `${file}: ${className} must be an object of settings, such as {"address": ":8000"}`,
      )
    for (const [setting, value] of Object.entries(settings))
      assignments.push({
        className,
        setting,
        source: file,
        value:
          setting === 'cluster_options' && value !== null
            ? plainOptions(`${file}: ${className}.cluster_options`, value, limitMs)
            : value,
      })
  }
  return { assignments, notes: [] }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
