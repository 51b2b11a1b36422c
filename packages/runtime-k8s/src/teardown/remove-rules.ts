import type { Host } from '@sealer/core'
import { pathWith, runFolder } from '../environment.ts'
import { type Found, tablesOf } from '../found.ts'
import { withoutOwnRules } from './rules.ts'
import { unmountBelow } from './unmount.ts'

/** Way to run programs: as the host's own, or inside an image that is mounted somewhere. */
type Inside = readonly string[]

/**
 * Takes the rules of kube-proxy, CNI and flannel away and leaves the host's own. The programs are the host's, and those of the kube-proxy image,
 * which made the rules; so containerd still has to run.
 */
export async function removeRules(host: Host, bin: string, found: Found | undefined): Promise<void> {
  const image = await mountProxyImage(host, bin)
  try {
    for (const inside of [[], ...(image === undefined ? [] : [['chroot', image]])]) {
      for (const family of ['iptables', 'ip6tables']) await clean(host, inside, family)
      await dropTables(host, inside, found)
    }
  } finally {
    if (image !== undefined) {
      await unmountBelow(host, [image])
      await host.run({
        argv: [`${bin}/ctr`, '-n', 'k8s.io', 'images', 'unmount', '--rm', image],
        accept: [0, 1],
        env: pathWith(bin),
      })
      await host.exec('rm', '-rf', '--one-file-system', image)
    }
  }
}

async function clean(host: Host, inside: Inside, family: string): Promise<void> {
  const saved = await host.run({ argv: [...inside, `${family}-save`], accept: [0, 1, 125, 126, 127] })
  if (saved.exitCode !== 0) return
  const input = withoutOwnRules(saved.stdout)
  if (input !== '') await host.run({ argv: [...inside, `${family}-restore`, '--noflush'], input })
}

/**
 * Tables of nftables that the cluster made: kube-proxy's and flannel's, and those of iptables that are empty now and were not there before, as far
 * as the host had a program to tell.
 */
async function dropTables(host: Host, inside: Inside, found: Found | undefined): Promise<void> {
  const { tables } = await tablesOf(host, inside)
  if (tables === undefined) return
  for (const table of tables.filter((name) => !(found?.tables ?? []).includes(name))) {
    const ours = /^(ip|ip6|inet) (kube-proxy|flannel-ipv[46])$/.test(table)
    const shared = /^(ip|ip6) (nat|filter|mangle|raw)$/.test(table)
    if (!ours && !(shared && (await isEmptyTable(host, inside, table)))) continue
    await host.run({ argv: [...inside, 'nft', 'delete', 'table', ...table.split(' ')], accept: [0, 1, 125, 126, 127] })
  }
}

async function isEmptyTable(host: Host, inside: Inside, table: string): Promise<boolean> {
  const { stdout, exitCode } = await host.run({
    argv: [...inside, 'nft', 'list', 'table', ...table.split(' ')],
    accept: [0, 1, 125, 126, 127],
  })
  return exitCode === 0 && tableIsEmpty(stdout)
}

/** Whether a listed table holds nothing but base chains that let everything pass. */
export function tableIsEmpty(listed: string): boolean {
  return listed
    .split('\n')
    .every((line) =>
      /^\s*($|\}|#|table \S+ \S+ \{|chain \S+ \{|type \S+ hook \S+ priority [^;]+; policy accept;)/.test(line),
    )
}

/** Mounts the image of the kube-proxy that ran here, read-only. Undefined where there is none, or containerd does not answer. */
async function mountProxyImage(host: Host, bin: string): Promise<string | undefined> {
  const env = pathWith(bin)
  const listed = await host.run({
    argv: [`${bin}/ctr`, '-n', 'k8s.io', 'images', 'list', '-q'],
    env,
    accept: [0, 1, 127],
  })
  const image = listed.stdout.split('\n').find((name) => /\/kube-proxy:[^@]+$/.test(name))
  if (image === undefined) return undefined
  const folder = `${runFolder}/kube-proxy`
  await host.run({ argv: ['mkdir', '-p', folder] })
  const mounted = await host.run({
    argv: [`${bin}/ctr`, '-n', 'k8s.io', 'images', 'mount', image, folder],
    env,
    accept: [0, 1],
  })
  return mounted.exitCode === 0 ? folder : undefined
}
