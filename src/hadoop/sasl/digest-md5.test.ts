import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { answerDigest, type DigestOptions, digestLayer } from './digest-md5.ts'
import { readDirectives } from './directives.ts'
import { createRc4 } from './rc4.ts'

// RFC 2831, section 4, the example of IMAP.
const challenge = Buffer.from(
  'realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8',
)
const chris: DigestOptions = {
  username: 'chris',
  password: 'secret',
  uri: 'imap/elwood.innosoft.com',
  clientNonce: 'OA6MHXh6VqTrRk',
  protections: ['authentication'],
}

test("the RFC's example", () => {
  const reply = answerDigest(challenge, chris)
  const said = readDirectives(reply.response)
  assert.equal(said.get('response'), 'd388dad90d4bbd760a152321f2143af7')
  assert.equal(said.get('digest-uri'), 'imap/elwood.innosoft.com')
  assert.equal(reply.verify(Buffer.from('rspauth=ea40f60335c427b5527b84dbabcdfffd')), null)
})

test('a server that does not know the password is refused', () => {
  const reply = answerDigest(challenge, chris)
  for (const word of ['rspauth=ea40f60335c427b5527b84dbabcdfffe', 'rspauth=0', 'stale=true', ''])
    assert.throws(() => reply.verify(Buffer.from(word)), /does not know the password/, word)
})

test('nothing weaker than configured is agreed on', () => {
  assert.throws(
    () => answerDigest(challenge, { ...chris, protections: ['privacy', 'integrity'] }),
    /offers auth, but the configured protection is privacy, integrity/,
  )
  const strong = Buffer.from(
    'nonce="n",qop="auth,auth-int,auth-conf",cipher="3des,rc4",algorithm=md5-sess',
  )
  const reply = answerDigest(strong, { ...chris, protections: ['privacy', 'authentication'] })
  assert.equal(reply.protection, 'privacy')
  const without = Buffer.from('nonce="n",qop="auth-conf",cipher="3des",algorithm=md5-sess')
  assert.throws(
    () => answerDigest(without, { ...chris, protections: ['privacy'] }),
    /no cipher that we have: 3des/,
  )
})

test('challenges that are none', () => {
  for (const text of [
    'nonce="a",nonce="b",algorithm=md5-sess',
    'nonce="a',
    'nonsense',
    'qop="auth",algorithm=md5-sess',
    'nonce="a",algorithm=md5',
    '\0\0\0',
    `nonce="${'x'.repeat(5000)}"`,
  ])
    assert.throws(() => answerDigest(Buffer.from(text), chris), /DIGEST-MD5 challenge/, text)
  assert.equal(readDirectives(Buffer.from('a="x\\"\\\\y" , b=z')).get('a'), 'x"\\y')
})

// RFC 6229, section 2: keys of 40 and 128 bits, the first bytes of the stream.
test('RC4 of the RFC', () => {
  const stream = (key: string) =>
    createRc4(Buffer.from(key, 'hex'))(Buffer.alloc(16)).toString('hex')
  assert.equal(stream('0102030405'), 'b2396305f03dc027ccc3524a0a1118a8')
  assert.equal(stream('0102030405060708090a0b0c0d0e0f10'), '9ac7cc9a609d1ef7b2932899cde41b97')
})

for (const protection of ['integrity', 'privacy'] as const)
  test(`what was wrapped with ${protection} is known, once and in order`, () => {
    const key = Buffer.alloc(16, 7)
    const client = digestLayer(key, protection, 'client')
    const server = digestLayer(key, protection, 'server')
    const sent = ['one', 'two', ''].map((text) => client.wrap(Buffer.from(text)))
    assert.equal(sent[0]?.includes('one'), protection === 'integrity')
    for (const [index, text] of ['one', 'two', ''].entries())
      assert.equal(server.unwrap(sent[index] ?? Buffer.alloc(0)).toString(), text)

    const refused = (token: Buffer) =>
      assert.throws(() => digestLayer(key, protection, 'client').unwrap(token), /was changed/)
    const first = () => digestLayer(key, protection, 'server').wrap(Buffer.from('one'))
    assert.equal(digestLayer(key, protection, 'client').unwrap(first()).toString(), 'one')
    for (let at = 0; at < first().length; at += 1) {
      const changed = first()
      changed[at] = (changed[at] ?? 0) ^ 1
      refused(changed)
    }
    refused(first().subarray(1))
    refused(Buffer.alloc(0))
    const later = digestLayer(key, protection, 'server')
    later.wrap(Buffer.from('one'))
    refused(later.wrap(Buffer.from('two')))
    refused(digestLayer(key, protection, 'client').wrap(Buffer.from('one')))
  })

test('both sides agree on the key', () => {
  const offer = 'nonce="n",qop="auth-int,auth-conf",cipher="rc4",algorithm=md5-sess'
  for (const [protection, proof] of [
    ['integrity', 'd9150929152e8276811764624119bd34'],
    ['privacy', '1f1ae7e42330b2b5931de53b59df04b8'],
  ] as const) {
    const reply = answerDigest(Buffer.from(offer), { ...chris, protections: [protection] })
    const layer = reply.verify(Buffer.from(`rspauth=${proof}`))
    // H(A1), by the RFC's words rather than our code.
    const md5 = (bytes: Buffer | string) => createHash('md5').update(bytes).digest()
    const a1 = Buffer.concat([md5('chris::secret'), Buffer.from(':n:OA6MHXh6VqTrRk')])
    const token = layer?.wrap(Buffer.from('text')) ?? Buffer.alloc(0)
    assert.equal(digestLayer(md5(a1), protection, 'server').unwrap(token).toString(), 'text')
  }
})
