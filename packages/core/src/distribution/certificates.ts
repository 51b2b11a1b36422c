import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { KeyPair, LeafUse } from './registry-pki.ts'

// Node reads certificates and cannot make them: this file is the only one that loads a library for it.

interface Lifetime {
  readonly notBefore: Date
  readonly notAfter: Date
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const crypto: webcrypto.Crypto = webcrypto

/** A self-signed authority (RFC 5280, 4.2.1.9). */
export async function createAuthority(cluster: string, { notBefore, notAfter }: Lifetime): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serial(),
      name: `CN=sealer registry of ${cluster}`,
      notBefore,
      notAfter,
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
      ],
    },
    crypto,
  )
  return { certificate: certificate.toString('pem'), key: await pemKey(keys.privateKey) }
}

/** A server's or client's certificate, signed by the authority. */
export async function issueLeaf(authority: KeyPair, use: LeafUse, { notBefore, notAfter }: Lifetime): Promise<KeyPair> {
  const issuer = new x509.X509Certificate(authority.certificate)
  const signingKey = await crypto.subtle.importKey(
    'pkcs8',
    x509.PemConverter.decode(authority.key)[0] as ArrayBuffer,
    algorithm,
    false,
    ['sign'],
  )
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const usage = use.kind === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth
  const names =
    use.kind === 'server'
      ? [
          new x509.SubjectAlternativeNameExtension([
            { type: 'dns', value: use.name },
            ...use.addresses.map((value) => ({ type: 'ip' as const, value })),
          ]),
        ]
      : []
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serial(),
      subject: `CN=${use.name}`,
      issuer: issuer.subject,
      notBefore,
      notAfter,
      publicKey: keys.publicKey,
      signingKey,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        await x509.AuthorityKeyIdentifierExtension.create(issuer, false, crypto),
        ...names,
      ],
    },
    crypto,
  )
  return { certificate: certificate.toString('pem'), key: await pemKey(keys.privateKey) }
}

async function pemKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`
}

/** 16 random bytes, positive (RFC 5280, 4.1.2.2). */
function serial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return Buffer.from(bytes).toString('hex')
}
