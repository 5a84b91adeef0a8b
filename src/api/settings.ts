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

export const apiSettingsClasses = [metricsSettings] as const
