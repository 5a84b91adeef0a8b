import { setting, settingsClass, types } from '../core/index.ts'

/** `c.Metrics`. */
export const metricsSettings = settingsClass({
  name: 'Metrics',
  help: 'Figures for Prometheus at /metrics.',
  settings: {
    public: setting(
      types.boolean,
      'Whether the public address serves /metrics to everybody; the private address and administrators always have it.',
      { default: false },
    ),
  },
})

/** `c.Audit`. */
export const auditSettings = settingsClass({
  name: 'Audit',
  help: 'Who did what, when and from where: always in the records and the log.',
  settings: {
    file: setting(
      types.optional(types.path),
      'A file for it too, one JSON object a line, opened anew at SIGHUP; "-": standard output.',
    ),
    max_events: setting(types.integer({ min: 1000 }), 'How many events the records keep.', {
      default: 100_000,
    }),
    max_age: setting(
      types.optional(types.seconds),
      'Seconds for which the records keep an event.',
      { defaultText: 'any age' },
    ),
  },
})

export const apiSettingsClasses = [metricsSettings, auditSettings] as const
