import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

// RFC 4120, section 5.9.1, in DER. A real KDC has the clock of this machine.
const element = (tag: number, ...parts: readonly Buffer[]) => {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag, body.length]), body])
}
const integer = (value: number) => element(0x02, Buffer.from([value]))
const text = (tag: number, value: string) => element(tag, Buffer.from(value))
const generalString = 0x1b
const generalizedTime = 0x18
const skewed = 37

const refusal = element(
  0x7e,
  element(
    0x30,
    ...(
      [
        [0, integer(5)],
        [1, integer(30)],
        [4, text(generalizedTime, '20010101000000Z')],
        [5, integer(0)],
        [6, integer(skewed)],
        [9, text(generalString, 'DASK.TEST')],
        [
          10,
          element(
            0x30,
            element(0xa0, integer(2)),
            element(
              0xa1,
              element(0x30, text(generalString, 'krbtgt'), text(generalString, 'DASK.TEST')),
            ),
          ),
        ],
      ] as const
    ).map(([tag, value]) => element(0xa0 + tag, value)),
  ),
)

/** Answers all who ask on this port that their clock is wrong. */
export async function startSkewedKdc(port: number): Promise<{ close(): Promise<void> }> {
  const datagrams = createSocket('udp4').bind(port, '127.0.0.1')
  datagrams.on('message', (_, from) => datagrams.send(refusal, from.port, from.address))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(refusal.length)
  const streams: Server = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .once('data', () => socket.end(Buffer.concat([length, refusal])))
  }).listen(port, '127.0.0.1')
  await Promise.all([once(datagrams, 'listening'), once(streams, 'listening')])
  return {
    async close() {
      datagrams.close()
      streams.close()
      await once(streams, 'close')
    },
  }
}
