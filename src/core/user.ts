/** Somebody who has proved who they are. `name` alone decides whose a cluster is. */
export interface User {
  readonly name: string
  readonly groups: readonly string[]
  readonly admin: boolean
}
