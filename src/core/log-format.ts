/** DASK_GATEWAY_LOG_FORMAT=json: the gateway and the proxy log one JSON object a line. */
export function logFormat(environment: NodeJS.ProcessEnv = process.env): 'text' | 'json' {
  return environment.DASK_GATEWAY_LOG_FORMAT === 'json' ? 'json' : 'text'
}
