import { createHash, randomBytes, randomInt, X509Certificate } from 'node:crypto'

/** A bootstrap token (kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens): 6 public and 16 secret characters. */
export function newToken(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'
  const text = (length: number) => Array.from({ length }, () => letters[randomInt(letters.length)]).join('')
  return `${text(6)}.${text(16)}`
}

/** What the token's object in the cluster is called after. */
export const tokenId = (token: string): string => token.slice(0, 6)

/** The key that the control plane's certificates are encrypted with while a master joins: AES-256, as hex. */
export const newCertificateKey = (): string => randomBytes(32).toString('hex')

/** kubeadm's pin of a CA: sha256 over its public key (SPKI). */
export function caHash(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
  return `sha256:${createHash('sha256').update(key).digest('hex')}`
}

/** How long a host may take from the token to the join; kubeadm deletes what is older. */
export const tokenLifetime = '15m0s'

/** The field `bootstrapTokens` of kubeadm's InitConfiguration. */
export const bootstrapTokens = (token: string) => [
  {
    token,
    ttl: tokenLifetime,
    description: 'sealer: hosts that join now',
    usages: ['signing', 'authentication'],
    groups: ['system:bootstrappers:kubeadm:default-node-token'],
  },
]
