import type { openApiParts } from './openapi-parts.ts'

type Parts = typeof openApiParts

/** The routes for people and their programs: all of a cluster's state, streams, and what administrators may do. */
export function peoplePaths({
  answer,
  body,
  clusterName,
  failure,
  ofCluster,
  query,
  stream,
  unauthenticated,
  user,
  wrong,
}: Parts) {
  const pages = [
    query('status', 'Statuses, comma separated, in any case; without: all.', { type: 'string' }),
    query('search', "Part of the name, of the user's name or of the reason.", { type: 'string' }),
    query('limit', 'At most so many; 100 unless said.', {
      type: 'integer',
      minimum: 1,
      maximum: 1000,
    }),
    query('cursor', 'The cursor of the page before.', { type: 'string' }),
  ]
  const forAdmins = { ...unauthenticated, 403: failure('Not an administrator.') }
  const ofAnyCluster = { ...forAdmins, 404: failure('No such cluster.') }
  const history = historyOperations({ answer, clusterName, query, stream, user, wrong })
  return {
    '/api/v1/user': {
      get: {
        summary: 'Who one is, and how that is known',
        security: user,
        responses: { 200: answer('You.', 'User'), ...unauthenticated },
      },
    },
    '/api/v1/user/clusters': {
      get: {
        summary: 'Own clusters, ended ones too, the newest first',
        security: user,
        parameters: pages,
        responses: { 200: answer('A page of them.', 'ClusterPage'), ...unauthenticated, ...wrong },
      },
    },
    '/api/v1/user/clusters/{name}': {
      get: {
        summary: "All of one's own cluster's state",
        security: user,
        parameters: [clusterName],
        responses: { 200: answer('The cluster.', 'ClusterInfo'), ...ofCluster },
      },
    },
    '/api/v1/user/stream': {
      get: {
        summary: 'Own clusters as they change',
        description:
          'Events: "snapshot" {"clusters": [ClusterInfo]} of all that live, "cluster" ClusterInfo, "removed" {"name"}. ' +
          'With the Last-Event-ID of an earlier stream, what changed since.',
        security: user,
        responses: { 200: stream, ...unauthenticated, 503: failure('Too many streams are open.') },
      },
    },
    '/api/v1/clusters/{name}/events': { get: history.events(ofCluster) },
    '/api/v1/clusters/{name}/workers': { get: history.workers(ofCluster) },
    '/api/v1/clusters/{name}/logs': { get: history.logs(ofCluster) },
    '/api/v1/admin/clusters': {
      get: {
        summary: "Everybody's clusters, the newest first",
        security: user,
        parameters: [...pages, query('user', 'Whose; exactly.', { type: 'string' })],
        responses: { 200: answer('A page of them.', 'ClusterPage'), ...forAdmins, ...wrong },
      },
    },
    '/api/v1/admin/clusters/{name}': {
      get: {
        summary: "Anybody's cluster",
        security: user,
        parameters: [clusterName],
        responses: { 200: answer('The cluster.', 'ClusterInfo'), ...ofAnyCluster },
      },
      delete: {
        summary: "End anybody's cluster",
        security: user,
        parameters: [clusterName],
        responses: { 204: { description: 'It will end.' }, ...ofAnyCluster },
      },
    },
    '/api/v1/admin/clusters/{name}/events': { get: history.events(ofAnyCluster) },
    '/api/v1/admin/clusters/{name}/workers': { get: history.workers(ofAnyCluster) },
    '/api/v1/admin/clusters/{name}/logs': { get: history.logs(ofAnyCluster) },
    '/api/v1/admin/events': {
      get: {
        summary: 'Who did what, the newest first',
        description: 'Followed: events "event" AuditEvent, the last `limit` and then each new one.',
        security: user,
        parameters: [
          query('limit', 'At most so many; 100 unless said.', {
            type: 'integer',
            minimum: 1,
            maximum: 1000,
          }),
          query('before', 'Only events with a smaller id.', { type: 'integer', minimum: 1 }),
          query('user', 'Of this user.', { type: 'string' }),
          query('cluster', 'About this cluster.', { type: 'string' }),
          query('follow', 'Answer as a stream of events.', { type: ['string', 'integer'] }),
        ],
        responses: {
          200: { ...answer('The events.', 'AuditEvents'), ...withStream('AuditEvents') },
          ...forAdmins,
          ...wrong,
        },
      },
    },
    '/api/v1/admin/drain': {
      get: {
        summary: 'Whether new clusters are taken',
        security: user,
        responses: { 200: answer('Whether, and since when.', 'Drain'), ...forAdmins },
      },
      put: {
        summary: 'Take no new clusters, or take them again; those that exist go on',
        security: user,
        requestBody: body('NewDrain'),
        responses: { 200: answer('What holds now.', 'Drain'), ...forAdmins, ...wrong },
      },
    },
    '/api/v1/admin/health': {
      get: {
        summary: 'How backend, store and proxy are',
        security: user,
        responses: { 200: answer('How they are.', 'AdminHealth'), ...forAdmins },
      },
    },
  }
}

const streamContent = {
  'text/event-stream': {
    schema: {
      type: 'string',
      description: 'https://html.spec.whatwg.org/multipage/server-sent-events.html',
    },
  },
}

function withStream(schema: string) {
  return {
    content: {
      'application/json': { schema: { $ref: `#/components/schemas/${schema}` } },
      ...streamContent,
    },
  }
}

function historyOperations({
  answer,
  clusterName,
  query,
  user,
  wrong,
}: Pick<Parts, 'answer' | 'clusterName' | 'query' | 'stream' | 'user' | 'wrong'>) {
  const follow = query('follow', 'Answer as a stream of events that goes on.', {
    type: ['string', 'integer'],
  })
  return {
    events: (failures: object) => ({
      summary: 'What happened to a cluster, in order',
      description:
        'Followed: events "event" Event, and "end" when the cluster has ended. Last-Event-ID is the id of the last event.',
      security: user,
      parameters: [
        clusterName,
        query('after', 'Only events with a greater id.', { type: 'integer', minimum: 0 }),
        query('limit', 'At most so many.', { type: 'integer', minimum: 1, maximum: 1000 }),
        follow,
      ],
      responses: {
        200: { description: 'The events.', ...withStream('Events') },
        ...failures,
        ...wrong,
      },
    }),
    workers: (failures: object) => ({
      summary: "A cluster's workers",
      security: user,
      parameters: [clusterName],
      responses: { 200: answer('The workers.', 'Workers'), ...failures },
    }),
    logs: (failures: object) => ({
      summary: 'The end of a log, also after the end of its process',
      description:
        'Followed: events "log" LogPiece, and "end" when its process has ended. Last-Event-ID is a position in the log, in bytes.',
      security: user,
      parameters: [
        clusterName,
        query('worker', 'Whose log; without: that of the scheduler.', { type: 'string' }),
        query('tail', 'How many lines, or how many to begin with.', {
          type: 'integer',
          minimum: 1,
          maximum: 10_000,
        }),
        follow,
      ],
      responses: {
        200: {
          description: 'The lines.',
          content: { 'text/plain': { schema: { type: 'string' } }, ...streamContent },
        },
        ...failures,
        ...wrong,
      },
    }),
  }
}
