import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { SignatureReport, TrustRule } from '@sealer/core'
import { createSecrets, newKeyPair, trustErrors } from '@sealer/core'
import type { KeysFlags } from '../commands/keys.ts'
import type { SignFlags, VerifyFlags } from '../commands/sign.ts'
import type { TrustAddFlags, TrustRemoveFlags } from '../commands/trust.ts'
import { type CliContext, print } from '../context.ts'
import { errors } from '../errors.ts'
import { printable } from '../printable.ts'
import { table } from '../table.ts'

/** Makes two files; none is ever overwritten. */
export async function generateKeys(context: CliContext, prefix: string, { passwordFrom }: KeysFlags): Promise<void> {
  const files = { privateKey: `${prefix}.key`, publicKey: `${prefix}.pub` }
  const pair = await newKeyPair(await newPassword(context, passwordFrom))
  await writeNew(files.privateKey, pair.privateKey, 0o600)
  await writeNew(files.publicKey, pair.publicKey, 0o644)
  print(
    context,
    files,
    () => `Wrote ${files.privateKey}, which signs and stays with you, and ${files.publicKey}, which others trust.`,
  )
}

/** Asked twice: a password that was mistyped makes a key that nobody can use. */
async function newPassword({ env, questions }: CliContext, from = 'prompt'): Promise<string> {
  if (from !== 'prompt') return await createSecrets({ env }).read(from)
  const password = await questions.password('Password of the new key')
  if ((await questions.password('The same password again')) === password) return password
  throw errors.OPTION_INVALID({ option: 'password', value: '***', reason: 'the two are not the same' })
}

async function writeNew(file: string, text: string, mode: number): Promise<void> {
  await writeFile(resolve(file), text, { flag: 'wx', mode }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EEXIST') throw trustErrors.SIGNING_KEY_EXISTS({ file }, { cause })
    throw errors.FILE_UNREADABLE({ file, reason: cause.message }, { cause })
  })
}

/** Signs an image of this machine. */
export async function sign(context: CliContext, image: string, flags: SignFlags): Promise<void> {
  await using sealer = await context.openSealer({})
  const report = await sealer.images.sign(image, {
    key: flags.key,
    ...(flags.passwordFrom === undefined ? {} : { password: flags.passwordFrom }),
    ...(flags.as === undefined ? {} : { identity: flags.as }),
    annotations: flags.annotation,
  })
  print(context, report, (signed) => `Signed ${reportText(signed)}`)
}

/** Verifies an image of this machine. */
export async function verify(context: CliContext, image: string, { key, identity }: VerifyFlags): Promise<void> {
  await using sealer = await context.openSealer({})
  const report = await sealer.images.verify(image, {
    ...(key === undefined ? {} : { key }),
    ...(identity === undefined ? {} : { identity }),
  })
  print(context, report, (verified) => `Verified ${reportText(verified)}`)
}

const reportText = ({ image, digest, identity, key, annotations }: SignatureReport): string =>
  [
    `${printable(image)} as ${printable(identity)}, key ${shortKey(key)}.`,
    digest,
    ...Object.entries(annotations).map(([name, value]) => printable(`${name}=${value}`)),
  ].join('\n')

/** Trusts a key. */
export async function trustAdd(context: CliContext, key: string, flags: TrustAddFlags): Promise<void> {
  await using sealer = await context.openSealer({})
  print(
    context,
    await sealer.trust.add(key, {
      ...(flags.for === undefined ? {} : { for: flags.for }),
      ...(flags.identity === undefined ? {} : { identity: flags.identity }),
      ...(flags.until === undefined ? {} : { until: flags.until }),
    }),
    (rule) => `${shortKey(rule.id)} (${rule.kind}) is trusted for ${rule.for}${untilText(rule)}.`,
  )
}

/** Lists the keys. */
export async function trustList(context: CliContext): Promise<void> {
  await using sealer = await context.openSealer({})
  print(context, await sealer.trust.list(), (rules) =>
    rules.length === 0
      ? 'No key is trusted: images that were not built here are used with a warning.'
      : table(
          ['KEY', 'KIND', 'FOR', 'SIGNED AS', 'UNTIL'],
          rules.map((rule) => [
            shortKey(rule.id),
            rule.kind,
            rule.for,
            rule.identity ?? 'the same name',
            rule.until === undefined ? 'always' : dayOf(rule.until),
          ]),
        ),
  )
}

/** Trusts a key no longer. */
export async function trustRemove(context: CliContext, id: string, flags: TrustRemoveFlags): Promise<void> {
  await using sealer = await context.openSealer({})
  const removed = await sealer.trust.remove(id, flags.for)
  print(context, { id, removed }, () => `${printable(id)} is not trusted any more.`)
}

const shortKey = (id: string): string => id.slice(0, 12)
const untilText = ({ until }: TrustRule): string => (until === undefined ? '' : ` until ${dayOf(until)}`)
const dayOf = (moment: number): string => new Date(moment).toISOString().slice(0, 10)
