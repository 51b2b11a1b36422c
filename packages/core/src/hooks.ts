import { AsyncSeriesBailHook, AsyncSeriesHook, AsyncSeriesWaterfallHook } from 'tapable'
import { errors, SealerError } from './errors.ts'
import type { HostFacts, Platform } from './hosts/host.ts'
import type { CarriedImage } from './image/cluster-config.ts'
import type { Infra, InfraHost } from './infra.ts'
import type { BuildReport, BuildSource } from './lifecycles/build-types.ts'
import type { InstallReport } from './lifecycles/reports.ts'
import type { ImageReader } from './manifests/image-reader.ts'
import type { ImageRule } from './manifests/image-rules.ts'
import type { Runtime } from './runtime.ts'
import type { Scope } from './services.ts'
import type { Step } from './step.ts'
import type { Wanted } from './wanted.ts'
import type { Wish } from './wish.ts'

/** Every point a plugin can tap, in the order it is called. Bail hooks choose, waterfall hooks refine, series hooks happen. */
function declareHooks() {
  return {
    choose: {
      /** First answer wins: return a runtime if it is yours that is wanted, else undefined. */
      runtime: new AsyncSeriesBailHook<[wanted: Wanted, scope: Scope], Runtime | undefined>(['wanted', 'scope']),
      /** First answer wins: return an infra if it is yours that is wanted, else undefined. */
      infra: new AsyncSeriesBailHook<[wanted: Wanted, scope: Scope], Infra | undefined>(['wanted', 'scope']),
      /** First answer wins: which platform of the image this host gets. Built in: by `uname -m`. */
      platform: new AsyncSeriesBailHook<[facts: HostFacts, available: readonly Platform[]], Platform | undefined>([
        'facts',
        'available',
      ]),
    },
    build: {
      /** Each answer feeds the next: the parsed Kubefile with its context, before anything is executed. */
      kubefile: new AsyncSeriesWaterfallHook<[source: BuildSource]>(['source']),
      /**
       * Each answer feeds the next: what reads container images out of files, in the order of asking. A file that one claims is shown to
       * no later one. Built in: charts, kustomizations, manifests. A plugin's own come first.
       */
      readers: new AsyncSeriesWaterfallHook<[readers: readonly ImageReader[]]>(['readers']),
      /** Each answer feeds the next: where custom resources name images. Built in: rules for well-known operators. */
      rules: new AsyncSeriesWaterfallHook<[rules: readonly ImageRule[]]>(['rules']),
      /** Each answer feeds the next: the container images found, before they are fetched. This is how a plugin adds or drops images. */
      images: new AsyncSeriesWaterfallHook<[images: readonly FoundImage[], source: BuildSource]>(['images', 'source']),
      /** Each answer feeds the next: the throw-away cluster that `observe` is about to make, e.g. with variables that its apps need. */
      observe: new AsyncSeriesWaterfallHook<[wish: Wish, source: BuildSource]>(['wish', 'source']),
      /** One after the other: the image has its name in the store. */
      sealed: new AsyncSeriesHook<[report: BuildReport]>(['report']),
    },
    distribute: {
      /** Each answer feeds the next: add, replace or reorder the steps that bring the image to the hosts. */
      steps: new AsyncSeriesWaterfallHook<[steps: readonly Step[], wanted: Wanted]>(['steps', 'wanted']),
      /** One after the other: every needed digest has been seen at its place. */
      arrived: new AsyncSeriesHook<[wanted: Wanted]>(['wanted']),
    },
    install: {
      /** Each answer feeds the next: the hosts as the infra sees them, before facts are gathered. */
      hosts: new AsyncSeriesWaterfallHook<[hosts: readonly InfraHost[], wanted: Wanted]>(['hosts', 'wanted']),
      /** Each answer feeds the next: add, replace or reorder steps. This is how a plugin changes hosts. */
      steps: new AsyncSeriesWaterfallHook<[steps: readonly Step[], wanted: Wanted]>(['steps', 'wanted']),
      /** One after the other: the cluster answers, no app of LAUNCH has been launched. Hosts cannot be changed from here. */
      ready: new AsyncSeriesHook<[wanted: Wanted]>(['wanted']),
      /** One after the other: the apps are launched and ready. Hosts cannot be changed from here. */
      finished: new AsyncSeriesHook<[report: InstallReport]>(['report']),
    },
    upgrade: {
      /** Each answer feeds the next: add, replace or reorder steps. Not called yet. */
      steps: new AsyncSeriesWaterfallHook<[steps: readonly Step[], wanted: Wanted]>(['steps', 'wanted']),
      /** One after the other: the cluster runs the new image. Not called yet. */
      finished: new AsyncSeriesHook<[wanted: Wanted]>(['wanted']),
    },
    scale: {
      /** Each answer feeds the next: add, replace or reorder steps. Not called yet. */
      steps: new AsyncSeriesWaterfallHook<[steps: readonly Step[], wanted: Wanted]>(['steps', 'wanted']),
      /** One after the other: a host has joined. Not called yet. */
      joined: new AsyncSeriesHook<[host: string]>(['host']),
      /** One after the other: a host has left. Not called yet. */
      left: new AsyncSeriesHook<[host: string]>(['host']),
    },
  }
}

/** A container image that a build has found, before it is fetched. */
export type FoundImage = Pick<CarriedImage, 'reference' | 'apps' | 'reasons'>

type Declared = ReturnType<typeof declareHooks>
type Tappable<Hook> = Hook extends { tap: infer Tap; tapPromise: infer TapPromise }
  ? { readonly tap: Tap; readonly tapPromise: TapPromise }
  : never
/** What plugins get: hooks that can be tapped and not called. */
export type SealerHooks = {
  readonly [Group in keyof Declared]: {
    readonly [Name in keyof Declared[Group]]: Tappable<Declared[Group][Name]>
  }
}
/** What core holds: the same hooks, callable. */
export type CallableHooks = { readonly [Group in keyof Declared]: Readonly<Declared[Group]> }

/** Hooks that no lifecycle calls yet: tapping one is refused, since a hook that never fires is a lie. */
const notCalledYet: ReadonlySet<string> = new Set([
  'upgrade.steps',
  'upgrade.finished',
  'scale.steps',
  'scale.joined',
  'scale.left',
])

interface Interceptable {
  intercept(interceptor: { register(tap: TapInfo): TapInfo }): void
}
interface TapInfo {
  readonly name: string
  readonly type: string
  readonly fn: (...args: unknown[]) => unknown
}

/** The hooks of one sealer: one frozen object. A tap's failure is told with its plugin's and its hook's name. */
export function createHooks(): CallableHooks {
  const hooks = declareHooks()
  for (const [group, members] of Object.entries(hooks)) {
    for (const [name, hook] of Object.entries(members)) {
      guard(hook as unknown as Interceptable, `${group}.${name}`)
    }
    Object.freeze(members)
  }
  return Object.freeze(hooks)
}

function guard(hook: Interceptable, hookName: string): void {
  hook.intercept({
    register: (tap) => {
      if (notCalledYet.has(hookName)) {
        throw errors.PLUGIN_INVALID({
          plugin: tap.name,
          reason: `the hook ${hookName} is not called by any lifecycle yet`,
        })
      }
      return {
        ...tap,
        type: 'promise',
        fn: async (...args: unknown[]) => {
          try {
            return await tap.fn(...args)
          } catch (cause) {
            if (SealerError.is(cause)) throw cause
            throw errors.PLUGIN_FAILED(
              { plugin: tap.name, hook: hookName, reason: cause instanceof Error ? cause.message : String(cause) },
              { cause },
            )
          }
        },
      }
    },
  })
}
