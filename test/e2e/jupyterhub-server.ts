import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { waitFor } from '../fakes/wait-for.ts'
import { root } from './harness.ts'

const jupyterhub =
  process.env.DASK_GATEWAY_TEST_JUPYTERHUB ?? join(root, '.venv-jupyterhub/bin/jupyterhub')
const setupToken = '0'.repeat(64)

export interface HubOptions {
  /** A directory that nobody may write. */
  readonly directory: string
  readonly port: number
  readonly apiPort: number
  readonly proxyApiPort: number
  /** The certificate of its public address, for localhost. */
  readonly certificate: { readonly certPem: string; readonly keyPem: string }
  /** More lines of its configuration; `services`, a list, and `roles` are there to be added to. */
  readonly config: string
}

/**
 * A real JupyterHub below `/base`, behind its proxy with HTTPS, with the users alice and bob, who need no password. It and
 * what it starts run as nobody when the tests run as root.
 */
export function createHub(options: HubOptions) {
  const { directory, port, apiPort } = options
  const file = (name: string) => join(directory, name)
  writeFileSync(file('hub-cert.pem'), options.certificate.certPem)
  writeFileSync(file('hub-key.pem'), options.certificate.keyPem)
  const proxy = join(root, 'node_modules/configurable-http-proxy/bin/configurable-http-proxy')
  writeFileSync(
    file('jupyterhub_config.py'),
    `
c.JupyterHub.bind_url = "https://127.0.0.1:${port}/base"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:${apiPort}"
c.JupyterHub.ssl_cert = "${file('hub-cert.pem')}"
c.JupyterHub.ssl_key = "${file('hub-key.pem')}"
c.ConfigurableHTTPProxy.command = ["${process.execPath}", "${proxy}"]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:${options.proxyApiPort}"
c.ConfigurableHTTPProxy.pid_file = "${file('proxy.pid')}"
c.JupyterHub.db_url = "sqlite:///${file('jupyterhub.sqlite')}"
c.JupyterHub.cookie_secret_file = "${file('cookie-secret')}"
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "${file('home-{username}')}"
c.Authenticator.allowed_users = {"alice", "bob"}
c.JupyterHub.load_groups = {"staff": {"users": ["alice"]}}
services = [{"name": "setup", "api_token": "${setupToken}"}]
roles = [{"name": "setup", "scopes": ["tokens", "users", "servers"], "services": ["setup"]}]
${options.config}
c.JupyterHub.services = services
c.JupyterHub.load_roles = roles
`,
  )
  const logFile = file('hub.log')
  writeFileSync(logFile, '')
  const url = `https://localhost:${port}/base`
  const api = `http://127.0.0.1:${apiPort}/base/hub/api`
  const log = () => readFileSync(logFile, 'utf8')

  async function start() {
    const before = log().length
    const lines = openSync(logFile, 'a')
    const hub = spawn(
      join(root, 'test/e2e/as-nobody'),
      [jupyterhub, '-f', file('jupyterhub_config.py')],
      {
        cwd: directory,
        stdio: ['ignore', lines, lines],
        env: { PATH: `${join(jupyterhub, '..')}:/usr/bin:/bin`, HOME: directory, LANG: 'C.UTF-8' },
      },
    )
    closeSync(lines)
    const ended = once(hub, 'exit')
    await waitFor(
      'JupyterHub',
      async () => {
        if (hub.exitCode !== null) throw new Error(`JupyterHub ended:\n${log()}`)
        return log().slice(before).includes('JupyterHub is now running') && (await isUp(port))
      },
      60_000,
    ).catch(async (error: Error) => {
      hub.kill('SIGKILL')
      throw new Error(`${error.message}\n${log()}`)
    })
    return {
      async stop() {
        hub.kill('SIGTERM')
        await ended
      },
    }
  }

  return {
    url,
    start,
    log,
    /** A new token of a user, with these scopes. */
    async token(user: string, scopes: readonly string[]): Promise<string> {
      const created = await ask(`/users/${user}/tokens`, { scopes })
      assert.equal(created.status, 201, created.text)
      return (JSON.parse(created.text) as { readonly token: string }).token
    },
    /** Starts what the configuration has as a user's notebook server. */
    async spawn(user: string): Promise<void> {
      const spawned = await ask(`/users/${user}/server`, {})
      assert.ok([201, 202].includes(spawned.status), spawned.text)
    },
  }

  async function ask(path: string, body: object) {
    const response = await fetch(`${api}${path}`, {
      method: 'POST',
      headers: { authorization: `token ${setupToken}` },
      body: JSON.stringify(body),
    })
    return { status: response.status, text: await response.text() }
  }
}

/** Whether the proxy leads to the hub. */
function isUp(port: number): Promise<boolean> {
  return new Promise((done) => {
    const path = '/base/hub/api/'
    const asked = request(
      { host: '127.0.0.1', port, path, rejectUnauthorized: false },
      (answer) => {
        answer.resume()
        done(answer.statusCode === 200)
      },
    )
    asked.on('error', () => done(false))
    asked.end()
  })
}
