/** How a container runtime reaches the images of the cluster: worked out by core, written by the runtime in its own form. */
export interface RegistryMap {
  /** Upstream host as in image names (`docker.io`, `registry.k8s.io`, `10.0.0.1:5000`) → where it is served, in the order to try. */
  readonly upstreams: readonly { readonly host: string; readonly urls: readonly string[] }[]
  /** Where the images of every other registry are asked for: it serves many upstreams, told apart by the query `ns=`, as containerd asks. */
  readonly others?: readonly string[]
  /** Whether the upstream itself may be asked last. */
  readonly fallback: 'upstream' | 'never'
  /** Paths on the hosts of the registry's CA, and of the client certificate and key that every host of the cluster holds. */
  readonly ca: string
  readonly clientCertificate: string
  readonly clientKey: string
}
