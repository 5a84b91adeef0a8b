import type { FastifyRequest } from 'fastify'
import type { ClusterView } from '../clusters/index.ts'
import { clientOf } from './client.ts'
import { clusterReport } from './cluster-report.ts'
import { type Html, html, sendPage } from './html.ts'
import type { RouteContext } from './route-context.ts'

/** `GET /`: who you are, your clusters, and how to connect from Python. */
export function addHomePage(context: RouteContext): void {
  const { app, authentication, prefix } = context

  app.get('/', (request, reply) => {
    const found = authentication.sessionOf(request.raw)
    if (found === null) {
      return reply
        .code(302)
        .header('location', `${prefix}/login`)
        .header('cache-control', 'no-store')
        .send()
    }
    const { user } = found.session
    const clusters = context.service.list(user)
    const content = html`<h1>Dask gateway</h1>
<form class="bar" method="post" action="${prefix}/logout"><p>You are <strong>${user.name}</strong>.</p>
<button>Log out</button></form>
<h2>Your clusters</h2>
${clusters.length === 0 ? html`<p>None runs at the moment.</p>` : table(clusters)}
<h2>Connect from Python</h2>
<pre><code>${connectLines(authentication.authenticator.challenge, user.name, addressOf(request, prefix))}
cluster = gateway.new_cluster()
cluster.scale(2)
client = cluster.get_client()</code></pre>`
    return sendPage(reply, 200, 'Dask gateway', content)
  })

  function table(clusters: readonly ClusterView[]) {
    return html`<table>
<thead><tr><th scope="col">Name</th><th scope="col">Status</th><th scope="col">Since</th><th scope="col">Dashboard</th></tr></thead>
<tbody>
${clusters.map(row)}</tbody>
</table>`
  }

  function row(view: ClusterView) {
    const report = clusterReport(view, context.dashboardRoute, 'without keys')
    const link =
      report.dashboard_route === null
        ? ''
        : html`<a href="${prefix}${report.dashboard_route}" aria-label="Open the dashboard of ${report.name}">Open</a>`
    const start = new Date(report.start_time).toISOString()
    const since = html`<time datetime="${start}">${start.slice(0, 16).replace('T', ' ')} UTC</time>`
    return html`<tr><td><code>${report.name}</code></td><td>${report.status}</td><td>${since}</td><td>${link}</td></tr>\n`
  }
}

/** What the Python client is told, by the kind of the challenge that it will answer. */
function connectLines(challenge: string, username: string, address: string): Html {
  const kind = challenge.toLowerCase()
  if (kind === 'basic')
    return html`from dask_gateway import Gateway, BasicAuth

auth = BasicAuth(${JSON.stringify(username)}, "your password")
gateway = Gateway("${address}", auth=auth)`
  if (kind === 'jupyterhub')
    return html`from dask_gateway import Gateway, JupyterHubAuth

# On a server of the hub, auth="jupyterhub" is enough.
auth = JupyterHubAuth("your token")
gateway = Gateway("${address}", auth=auth)`
  return html`from dask_gateway import Gateway

gateway = Gateway("${address}", auth="kerberos")`
}

/** Where this request's browser reaches us: scheme, host and prefix. */
export function addressOf(request: FastifyRequest, prefix: string): string {
  const { host = '' } = request.headers
  const scheme = clientOf(request.raw).secure ? 'https' : 'http'
  return `${scheme}://${isHost(host) ? host : 'HOST:PORT'}${prefix}`
}

/** A name or address with or without a port, and nothing that could mean something else in a URL. */
export function isHost(host: string): boolean {
  return /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::\d{1,5})?$/.test(host)
}
