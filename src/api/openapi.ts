import { openApiParts } from './openapi-parts.ts'
import { peoplePaths } from './openapi-people.ts'
import { quotaPaths } from './openapi-quotas.ts'
import { schemas } from './openapi-schemas.ts'
import { tokenPaths } from './openapi-tokens.ts'
import { usagePaths } from './openapi-usage.ts'

const {
  answer,
  body,
  clusterName,
  failure,
  ofCluster,
  query,
  tooLarge,
  unauthenticated,
  user,
  wrong,
} = openApiParts

/** The description of the API that the gateway serves; a test holds the real answers against it. */
export function openApiDocument(version: string, prefix: string) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Dask gateway',
      version,
      description: 'Clusters of Dask for many users. Times are milliseconds since the epoch.',
    },
    servers: [{ url: prefix === '' ? '/' : prefix }],
    paths: {
      ...serverPaths,
      ...clusterPaths,
      ...peoplePaths(openApiParts),
      ...tokenPaths(openApiParts),
      ...quotaPaths(openApiParts),
      ...usagePaths(openApiParts),
      ...schedulerPaths,
    },
    components: {
      schemas,
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic' },
        accessToken: {
          type: 'http',
          scheme: 'bearer',
          description:
            'A personal access token; also in the place of the password of "basic". Scopes: "read" reads all but Cluster, "manage" does what its owner may with own clusters, "admin" all that its owner may. A route that needs more than the scope answers 403.',
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'dask-gateway',
          description: 'Set by the first answer to a header; its name is configurable.',
        },
        clusterToken: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: '"token" and the token of the cluster, for its scheduler.',
        },
      },
    },
  } as const
}

const serverPaths = {
  '/api/health': {
    get: {
      summary: 'Whether the gateway is well',
      responses: { 200: answer('It is.', 'Health'), 503: answer('It is not.', 'Health') },
    },
  },
  '/api/version': {
    get: {
      summary: 'The version of the gateway',
      responses: { 200: answer('The version.', 'Version') },
    },
  },
  '/livez': {
    get: {
      summary: 'Whether the process answers',
      responses: { 200: answer('It does.', 'Health') },
    },
  },
  '/readyz': {
    get: {
      summary: 'Whether the gateway can serve; reasons on the private address only',
      responses: { 200: answer('It can.', 'Readiness'), 503: answer('It cannot.', 'Readiness') },
    },
  },
}

const clusterPaths = {
  '/api/v1/options': {
    get: {
      summary: 'What the user may choose for a cluster',
      security: user,
      responses: { 200: answer('The options in their order.', 'Options'), ...unauthenticated },
    },
  },
  '/api/v1/clusters/': {
    get: {
      summary: "The user's clusters, pending and running ones unless asked otherwise",
      security: user,
      parameters: [query('status', 'Statuses, comma separated, in any case.', { type: 'string' })],
      responses: { 200: answer('By name.', 'ClusterList'), ...unauthenticated, ...wrong },
    },
    post: {
      summary: 'Begin a cluster',
      security: user,
      requestBody: body('NewCluster'),
      responses: {
        201: answer('Begun; it is PENDING.', 'ClusterName'),
        ...unauthenticated,
        409: failure('No new clusters are taken at the moment, or a quota has no room.'),
        ...tooLarge,
        ...wrong,
      },
    },
  },
  '/api/v1/clusters/{name}': {
    get: {
      summary: 'One cluster',
      security: user,
      parameters: [
        clusterName,
        query('wait', 'Answer when it has left PENDING, or after 20 s.', {
          type: ['string', 'integer'],
        }),
      ],
      responses: { 200: answer('The cluster.', 'Cluster'), ...ofCluster },
    },
    delete: {
      summary: 'End a cluster; unknown and ended ones are fine',
      security: [...user, { clusterToken: [] }],
      parameters: [clusterName],
      responses: {
        204: { description: 'It will end.' },
        ...unauthenticated,
        403: failure("Another user's cluster."),
      },
    },
  },
  '/api/v1/clusters/{name}/scale': {
    post: {
      summary: 'Have this many workers',
      security: user,
      parameters: [clusterName],
      requestBody: body('Scale'),
      responses: {
        200: answer('Done, perhaps with a warning.', 'ScaleResult'),
        ...ofCluster,
        409: failure('The cluster does not run.'),
        ...wrong,
      },
    },
  },
  '/api/v1/clusters/{name}/adapt': {
    post: {
      summary: 'Let the scheduler choose the number of workers',
      security: user,
      parameters: [clusterName],
      requestBody: body('Adapt'),
      responses: {
        200: answer('Done, perhaps with a warning.', 'ScaleResult'),
        ...ofCluster,
        409: failure('The cluster does not run.'),
        ...wrong,
      },
    },
  },
}

const schedulerPaths = {
  '/api/v1/clusters/{name}/am': {
    post: {
      summary:
        'What the backend started beside a scheduler tells how its workers are, and learns which are wanted',
      security: [{ clusterToken: [] }],
      parameters: [clusterName],
      requestBody: body('BackendMessage'),
      responses: {
        200: answer('What is wanted; it may take half a minute.', 'BackendMessage'),
        ...unauthenticated,
        ...tooLarge,
        ...wrong,
      },
    },
  },
  '/api/v1/clusters/{name}/heartbeat': {
    post: {
      summary: 'A scheduler tells how its cluster is',
      security: [{ clusterToken: [] }],
      parameters: [clusterName],
      requestBody: body('Heartbeat'),
      responses: {
        200: { description: 'Taken.' },
        ...unauthenticated,
        ...tooLarge,
        ...wrong,
      },
    },
  },
}
