import { runManagedProxy } from '../proxy/index.ts'
import { collectWhenIdle, endProcess } from '../util/index.ts'

// The proxy that a gateway starts: a program of its own, so that it loads nothing of the gateway. It is told everything on
// its standard input.
collectWhenIdle()
void runManagedProxy().then(endProcess)
