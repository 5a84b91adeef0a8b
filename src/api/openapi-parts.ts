// What the operations of the document are made of.

type Parameter = { readonly [key: string]: unknown }

const json = (schema: string) => ({
  content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
})
const answer = (description: string, schema: string) => ({ description, ...json(schema) })
const failure = (description: string) => answer(description, 'Error')
const body = (schema: string) => ({ required: true, ...json(schema) })
const query = (name: string, description: string, schema: object): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
  allowEmptyValue: true,
})

const clusterName: Parameter = {
  name: 'name',
  in: 'path',
  required: true,
  description: "The cluster's name.",
  schema: { type: 'string' },
}

const user = [{ basic: [] }, { session: [] }, { accessToken: [] }]

const tokenId: Parameter = {
  name: 'id',
  in: 'path',
  required: true,
  description: "The token's id.",
  schema: { type: 'string' },
}
const unauthenticated = { 401: failure('Nobody that the gateway knows.') }
const ofCluster = {
  ...unauthenticated,
  403: failure("Another user's cluster."),
  404: failure('No such cluster.'),
}
const wrong = { 422: failure('Something in the request is wrong; the sentence says what.') }
const tooLarge = { 413: failure('The body is too large.') }
const stream = {
  description: 'Events, until the client goes.',
  content: {
    'text/event-stream': {
      schema: {
        type: 'string',
        description: 'https://html.spec.whatwg.org/multipage/server-sent-events.html',
      },
    },
  },
}

export const openApiParts = {
  answer,
  body,
  clusterName,
  failure,
  ofCluster,
  query,
  stream,
  tokenId,
  tooLarge,
  unauthenticated,
  user,
  wrong,
}
