import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import { problemAt } from './errors.ts'
import { expand } from './expand.ts'
import type { Arg } from './instructions.ts'
import type { Kubefile } from './kubefile.ts'
import type { Variables, Word } from './words.ts'

/** Variables of a build: what ARG declares, and what is known of the platform (`ARCH`, `TARGETARCH`, …). */
export class Arguments {
  readonly #values = new Map<string, string>()
  readonly #given: Readonly<Record<string, string>>
  readonly #platform: Readonly<Record<string, string>>

  constructor(platform: Platform, given: Readonly<Record<string, string>>) {
    this.#given = given
    this.#platform = {
      ARCH: platform.architecture,
      TARGETARCH: platform.architecture,
      TARGETOS: platform.os,
      TARGETVARIANT: platform.variant ?? '',
      TARGETPLATFORM: platformText(platform),
    }
  }

  /** What the command line gives wins over the default of the Kubefile. */
  declare({ args }: Arg, text: (word: Word) => string): void {
    for (const { name, value } of args) {
      const otherwise = value === undefined ? (this.#values.get(name) ?? this.#platform[name] ?? '') : text(value)
      this.#values.set(name, Object.hasOwn(this.#given, name) ? (this.#given[name] ?? '') : otherwise)
    }
  }

  /** What ARG has declared so far. */
  declared(): Record<string, string> {
    return Object.fromEntries(this.#values)
  }

  readonly value: Variables = (name) => this.#values.get(name) ?? this.#platform[name]
}

/** The image that FROM names, with the variables that are known before it; undefined for `scratch`. @throws KUBEFILE_INVALID */
export function baseOf(
  kubefile: Kubefile,
  platform: Platform,
  buildArgs: Readonly<Record<string, string>>,
): string | undefined {
  const args = new Arguments(platform, buildArgs)
  const text = (word: Word) => expand(word, args.value, kubefile)
  for (const instruction of kubefile.instructions) {
    if (instruction.kind === 'ARG') args.declare(instruction, text)
    if (instruction.kind !== 'FROM') continue
    const wanted = instruction.platform && text(instruction.platform)
    if (wanted === undefined || wanted === platformText(platform)) {
      const image = text(instruction.image)
      return image === 'scratch' ? undefined : image
    }
    throw problemAt(
      kubefile,
      instruction.platform?.at ?? instruction.at,
      `The base would be for ${wanted}, but the image is built for ${platformText(platform)}.`,
      `Build with --platform ${wanted}, or leave --platform out of FROM.`,
    )
  }
  return undefined
}

/** Names given on the command line that no ARG declares: most likely misspelt. */
export function unusedArguments(kubefile: Kubefile, buildArgs: Readonly<Record<string, string>>): string[] {
  const declared = kubefile.instructions.flatMap((one) => (one.kind === 'ARG' ? one.args.map(({ name }) => name) : []))
  return Object.keys(buildArgs).filter((name) => !declared.includes(name))
}
