import { homedir, userInfo } from 'node:os'
import { parse } from 'ssh-config'
import { errors } from '../errors.ts'
import type { HostSpec, SshAccess } from './host.ts'

/** What an ssh_config(5) says of a host: user, port, key, and the hosts to go through. */
export type SshSettings = Partial<Pick<SshAccess, 'user' | 'port' | 'privateKey' | 'jump'>>

/** More hops than any site has: a circle of jumps ends here. */
const mostHops = 8

/**
 * Reads an ssh_config(5): Host and Match (commands of `Match exec` are not run), User, Port, IdentityFile, ProxyJump; HostName for hosts to go
 * through. `Include` is not followed. Gives what it says of an address.
 */
export function parseSshConfig(text: string, { home = homedir(), user = userInfo().username } = {}) {
  const config = parse(text)
  const settingsOf = (host: string) => config.compute(host, { ignoreCase: true, matchExec: false })

  /** @throws SSH_CONFIG_UNUSABLE */
  function settingsFor(host: string, hops = 0): SshSettings {
    const settings = settingsOf(host)
    const unusable = (reason: string) => errors.SSH_CONFIG_UNUSABLE({ host, reason })
    const proxy = first(settings.proxycommand)
    if (proxy !== undefined && proxy !== 'none') throw unusable('ProxyCommand is not supported')
    if (hops > mostHops) throw unusable('its ProxyJump goes round in a circle')
    const port = first(settings.port)
    if (port !== undefined && !/^\d{1,5}$/.test(port)) throw unusable(`"${port}" is no port`)
    const login = first(settings.user)
    const key = first(settings.identityfile)
    const jump = jumpOf(first(settings.proxyjump), hops + 1)
    return {
      ...(login === undefined ? {} : { user: login }),
      ...(port === undefined ? {} : { port: Number(port) }),
      ...(key === undefined || key === 'none' ? {} : { privateKey: key.replace(/^~(?=\/)|^%d/, home) }),
      ...(jump === undefined ? {} : { jump }),
    }
  }

  /** `a,b`: to the host through b, to b through a. */
  function jumpOf(list: string | undefined, hops: number): HostSpec | undefined {
    if (list === undefined || list === 'none') return undefined
    return list.split(',').reduce<HostSpec | undefined>((before, text) => hopOf(text.trim(), before, hops), undefined)
  }

  function hopOf(text: string, before: HostSpec | undefined, hops: number): HostSpec {
    const [, login, bracketed, plain, port] =
      /^(?:ssh:\/\/)?(?:([^@]+)@)?(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? []
    const name = bracketed ?? plain
    if (name === undefined) throw errors.SSH_CONFIG_UNUSABLE({ host: text, reason: 'it is no host to go through' })
    const own = settingsFor(name, hops)
    return {
      name,
      address: first(settingsOf(name).hostname) ?? name,
      roles: [],
      ssh: {
        user,
        ...own,
        ...(login === undefined ? {} : { user: login }),
        port: Number(port ?? own.port ?? 22),
        ...(before === undefined ? {} : { jump: before }),
      },
    }
  }
  return (address: string): SshSettings => settingsFor(address)
}

const first = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value)
