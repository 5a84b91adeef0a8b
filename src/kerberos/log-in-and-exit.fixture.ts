// Ends while a KDC may hang: argument 1 is the keytab.
import { createInitiator } from './index.ts'

const [, , keytab = ''] = process.argv
const initiator = createInitiator({ keytab, principal: 'dask', limitMs: 200 })
await initiator.login().catch((error: Error) => console.log(error.message))
process.exit(3)
