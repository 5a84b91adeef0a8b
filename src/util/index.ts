export { nearestName } from './nearest-name.ts'
export { randomHex, sameSecret } from './random.ts'
