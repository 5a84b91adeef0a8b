import type { OutsideAnswer, OutsideRequest } from '../outside-client.ts'

/** The API of a JupyterHub. */
export interface Hub {
  /** `path`: below the URL of the API. Rejects with words, and nothing else, when no whole answer came. */
  ask(request: Omit<OutsideRequest, 'url'> & { readonly path: string }): Promise<OutsideAnswer>
}
