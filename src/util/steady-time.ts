/**
 * Milliseconds since the epoch: calendar time as it was when this process began, and from there on a clock that does not jump. For what is
 * measured by two of its values; somebody may set the system's clock between two of `Date.now()`.
 */
export function steadyNow(): number {
  return Math.round(performance.timeOrigin + performance.now())
}
