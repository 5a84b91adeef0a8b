import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readProperties } from '../../src/hadoop/configuration/read-xml.ts'
import { decodeCredentials, encodeCredentials } from '../../src/hadoop/credentials.ts'
import { HadoopError } from '../../src/hadoop/errors.ts'
import { rpcResponseHeader, rpcSasl } from '../../src/hadoop/messages/rpc.ts'
import {
  getApplicationsResponse,
  submitApplicationRequest,
} from '../../src/hadoop/messages/yarn-applications.ts'
import { createFrameReader, frame } from '../../src/hadoop/rpc/frames.ts'
import { readDirectives } from '../../src/hadoop/sasl/directives.ts'
import { delimited, readDelimited } from '../../src/hadoop/wire/delimited.ts'
import { fuzz, mutate, randomFrom } from './mutate.ts'

const seconds = 6
const limitMs = 2_000

const token = {
  identifier: Buffer.alloc(40, 1),
  password: Buffer.alloc(20, 2),
  kind: 'k',
  service: 's',
}
const applicationId = { id: 7, clusterTimestamp: 1_795_388_625_203 }
const answers = [
  delimited(
    rpcResponseHeader.encode({ callId: 1, status: 'SUCCESS' }),
    getApplicationsResponse.encode({
      applications: Array.from({ length: 5 }, () => ({
        applicationId,
        user: 'alice',
        state: 'RUNNING',
        diagnostics: 'none yet',
        amRmToken: token,
        tags: ['one', 'two'],
      })),
    }),
  ),
  delimited(
    rpcResponseHeader.encode({
      callId: -33,
      status: 'ERROR',
      exceptionClassName: 'a.b.C',
      errorMsg: 'no',
    }),
    rpcSasl.encode({ state: 'WRAP', token: Buffer.alloc(30) }),
  ),
  delimited(
    rpcResponseHeader.encode({ callId: 3, status: 'SUCCESS' }),
    submitApplicationRequest.encode({
      context: {
        applicationId,
        amContainerSpec: {
          tokens: Buffer.alloc(9),
          command: ['sleep 1'],
          environment: [{ key: 'a' }],
        },
        resource: { memoryMiB: 1024, others: [{ key: 'yarn.io/gpu', value: 1 }] },
      },
    }),
  ),
].map((payload) => frame(payload))

/** What may be refused, in words of ours; in a bounded time, with a bounded memory. */
function refusedAtMost(work: () => unknown): void {
  const begun = performance.now()
  try {
    work()
  } catch (error) {
    if (!(error instanceof HadoopError)) throw error
  }
  const tookMs = performance.now() - begun
  assert.ok(tookMs < limitMs, `it took ${tookMs} ms`)
}

test('no answer makes the reader of RPC throw anything else, hang or grow', async (context) => {
  const memory = process.memoryUsage().rss
  const runs = await fuzz(seconds, (seed) => {
    const random = randomFrom(seed)
    const bytes = mutate(answers[random(answers.length)] ?? Buffer.alloc(0), random)
    refusedAtMost(() => {
      const frames = createFrameReader(1 << 20)
      for (let at = 0; at < bytes.length; ) {
        const step = 1 + random(100)
        for (const payload of frames.push(bytes.subarray(at, at + step)))
          for (const type of [getApplicationsResponse, rpcSasl, submitApplicationRequest])
            refusedAtMost(() => {
              const reader = readDelimited(payload)
              reader.next(rpcResponseHeader)
              while (!reader.isAtEnd) reader.next<unknown>(type)
            })
        at += step
      }
    })
  })
  context.diagnostic(`${runs} answers`)
  const grownBytes = process.memoryUsage().rss - memory
  assert.ok(grownBytes < 400 << 20, `${grownBytes >> 20} MiB more`)
})

test('no blob, challenge or file makes its reader throw anything else, or hang', async (context) => {
  const blob = encodeCredentials({
    tokens: new Map([['a', token]]),
    secrets: new Map([['s', Buffer.alloc(300)]]),
  })
  const challenge = Buffer.from(
    'realm="default",nonce="n\\"x",qop="auth-conf",cipher="3des,rc4",algorithm=md5-sess',
  )
  const xml = Buffer.from(
    '<?xml version="1.0"?><configuration><!-- a --><property name="b" value="c"/><property><name>a</name><value>&lt;<![CDATA[x]]></value><final>true</final></property></configuration>',
  )
  const runs = await fuzz(seconds, (seed) => {
    const random = randomFrom(seed)
    refusedAtMost(() => decodeCredentials(mutate(blob, random)))
    refusedAtMost(() => readDirectives(mutate(challenge, random)))
    refusedAtMost(() => readProperties(mutate(xml, random), 'core-site.xml'))
  })
  context.diagnostic(`${runs} of each`)
})
