import type { CommandName } from './arguments.ts'

const usage: { readonly [command in CommandName]: string } = {
  serve: `Usage: dask-gateway-server [COMMAND] [OPTION …] [--Class.setting=value …]

Lets people start and use Dask clusters on shared machines.

Commands (without one: run the gateway)
  generate-config   write a configuration file with every setting, its default and its meaning
  check-config      load and check the configuration and say what would run
  doctor            look at everything that a running gateway needs, and at the ways to it
  proxy             run the proxy alone, in the foreground (Proxy.externally_managed)`,
  'generate-config': `Usage: dask-gateway-server generate-config [--output FILE] [--force]

Writes a configuration file with every setting, its default and its meaning.

Options
  --output FILE     the file to write (dask_gateway_config.py)
  --force           write over a file that exists`,
  'check-config': `Usage: dask-gateway-server check-config [OPTION …] [--Class.setting=value …]

Loads and checks the configuration and says what would run; the exit status is not 0 when something is wrong.`,
  doctor: `Usage: dask-gateway-server doctor [OPTION …] [--Class.setting=value …]

Looks at the configuration, the records and their key, the ports, the Python and the Dask that clusters would run, and, while
the gateway runs, at the ways to it by HTTP, WebSocket and TLS. It says what to do, and changes nothing; what it starts to try
something out (a probe, a job) it takes back. The exit status is 1 when something failed. Run it as the gateway's account, in its working directory, with the same options.

Options of doctor
  --public-address URL
                    also go by the address that users have, through whatever stands in front: http(s)://HOST[:PORT][/PREFIX]
  --public-proxy-address HOST:PORT
                    where users' traffic to schedulers goes, if not to the public address
  --probe           try TLS with a probe that the gateway makes a way to for half a minute; no cluster need run
  --no-probe        submit no probe job where clusters are jobs of a queue (with --user)
  --orphans         list processes, directories, jobs and applications of other gateways, or of no record
  --user NAME       whose cluster to look at, where each runs as its user
  --json            print JSON`,
  proxy: `Usage: dask-gateway-server proxy [OPTION …] [--Proxy.setting=value …]

Runs the proxy alone, in the foreground, for Proxy.externally_managed = True.`,
}

const options = `
Options
  -f FILE, --config FILE
                    the configuration: Python, JSON, TypeScript or JavaScript (dask_gateway_config.py, if it is there)
  --Class.setting=value
                    set one setting; it wins over the file (--Proxy.address=:9000)
  --log-level LEVEL debug, info, warn, error or critical; --debug is short for debug
  --python PATH     the Python that reads the configuration (DASK_GATEWAY_PYTHON, else python3 or python on PATH)
  --show-config     print what is set, and end; --show-config-json as JSON
  --version         print the version
  --help, --help-all
                    print this; with every setting

Environment
  DASK_GATEWAY_ENCRYPT_KEYS, DASK_GATEWAY_PROXY_TOKEN, DASK_GATEWAY_PYTHON
  DASK_GATEWAY_CONFIG_TIMEOUT
                    seconds that the configuration file may take (60)
  DASK_GATEWAY_LOG_FORMAT=json
                    log one JSON object a line

Signals
  SIGTERM, SIGINT   stop in order; a second one ends at once
  SIGHUP            read the configuration's handlers and the certificates anew`

export function help(command: CommandName): string {
  return command === 'generate-config' ? usage[command] : `${usage[command]}\n${options}`
}

export async function allHelp(command: CommandName): Promise<string> {
  const { allSettings } = await import('./all-settings.ts')
  return `${help(command)}\n\n${allSettings()}`
}
