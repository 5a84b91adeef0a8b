export {
  createJupyterHubAuthenticator,
  type JupyterHubSurroundings,
} from './jupyterhub-authenticator.ts'
