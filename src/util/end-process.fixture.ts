// Ends with status 3 while a thread of libuv's pool waits for ever: argument 1 is a pipe that nobody writes into.
import { open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { endProcess } from './end-process.ts'

void open(process.argv[2] ?? '')
await delay(200)
process.once('exit', () => console.log('ended'))
endProcess(3)
