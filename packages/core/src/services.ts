import 'reflect-metadata'
import { container, type DependencyContainer, type InjectionToken, inject, injectable } from 'tsyringe'
import type { Clock } from './clock.ts'
import type { HostPool } from './hosts/host.ts'
import type { ImageStore } from './image/image-store.ts'
import type { Journal } from './journal.ts'
import type { Logger } from './logger.ts'
import type { Secrets } from './secrets.ts'

declare const type: unique symbol
/** A name for something of type T that a run provides. */
export type Service<T> = symbol & { readonly [type]?: T }
/** The same name gives the same token, also when two copies of core are installed. */
export const service = <T>(name: string): Service<T> => Symbol.for(`@sealer/core:${name}`) as Service<T>

/** What core offers to the constructors of plugins. */
export const services = {
  logger: service<Logger>('logger'),
  /** Image store of this machine. */
  store: service<ImageStore>('store'),
  hosts: service<HostPool>('hosts'),
  journal: service<Journal>('journal'),
  clock: service<Clock>('clock'),
  secrets: service<Secrets>('secrets'),
}

type Class<Needs extends unknown[], T> = new (...needs: Needs) => T
/** Says what a constructor receives, checked by the compiler: `wire(K8sRuntime, services.logger, k8sOptions)`. */
export function wire<Needs extends unknown[], T>(
  cls: Class<Needs, T>,
  ...needs: { [Index in keyof Needs]: Service<Needs[Index]> }
): void {
  for (const [index, need] of needs.entries()) inject(need as InjectionToken)(cls, undefined, index)
  injectable<T>()(cls as unknown as Class<unknown[], T>)
}

/** The services of one run. What it makes is closed with it; what was provided stays the caller's to close. */
export interface Scope extends AsyncDisposable {
  provide<T>(token: Service<T>, value: T): void
  get<T>(token: Service<T>): T
  make<Needs extends unknown[], T>(cls: Class<Needs, T>): T
}

/** A scope of its own for one run: `await using scope = createScope()`. */
export function createScope(): Scope {
  const own: DependencyContainer = container.createChildContainer()
  return {
    provide: (token, value) => void own.register(token as InjectionToken, { useValue: value }),
    get: <T>(token: Service<T>) => own.resolve<T>(token as InjectionToken<T>),
    make: (cls) => own.resolve(cls as never),
    [Symbol.asyncDispose]: async () => await own.dispose(),
  }
}
