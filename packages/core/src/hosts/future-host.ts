import type { Command, HostFacts, HostSpec, HostView, Output } from './host.ts'

/** Thrown when a host is asked that does not exist yet: there is no answer to plan with. */
export class HostAbsent extends Error {
  override readonly name = 'HostAbsent'
  static is(error: unknown): error is HostAbsent {
    return error instanceof Error && error.name === 'HostAbsent'
  }
}

/** A host that the infra has yet to make: to planning it is bare and has the facts it will have; once it is there, it answers itself. */
export class FutureHost implements HostView {
  readonly spec: HostSpec
  readonly #expected: HostFacts
  readonly #meet: () => HostView
  #met: HostView | undefined

  /** `meet` gives the host itself; it is called when the host is there. */
  constructor(spec: HostSpec, expected: HostFacts, meet: () => HostView) {
    this.spec = spec
    this.#expected = expected
    this.#meet = meet
  }

  /** The infra has made it. */
  arrive(): void {
    this.#met = this.#meet()
  }

  get name(): string {
    return this.spec.name
  }

  get address(): string {
    return this.spec.address
  }

  get roles(): readonly string[] {
    return this.spec.roles
  }

  async facts(): Promise<HostFacts> {
    return (await this.#met?.facts()) ?? this.#expected
  }

  async has(path: string): Promise<boolean> {
    return (await this.#met?.has(path)) ?? false
  }

  async read(path: string): Promise<string | undefined> {
    return await this.#met?.read(path)
  }

  async ask(...argv: string[]): Promise<string> {
    return await this.#itself().ask(...argv)
  }

  async inquire(command: Command): Promise<Output> {
    return await this.#itself().inquire(command)
  }

  #itself(): HostView {
    if (this.#met === undefined) throw new HostAbsent(`${this.name} does not exist yet`)
    return this.#met
  }
}
