import { follow, PathProblem, parsePath } from './field-path.ts'
import { isPlainly, joined, lookalikeIn, nameOf } from './image-names.ts'
import { type RuleFinding, RuleTable } from './image-rules.ts'
import { isRecord } from './is-record.ts'
import { type Identity, identityOf, isKubernetesOwn } from './kube-objects.ts'
import { Parameters } from './parameters.ts'
import { documentsIn, type ReadDocument, type Spot } from './spot.ts'
import { isMade, isTemplate, withoutActions } from './template-text.ts'

/** An image that a manifest names, by its full name. */
export interface NamedImage {
  readonly reference: string
  /** From 1. */
  readonly line: number
  /** The object and the field, e.g. `Deployment web: spec.template.spec.containers[0].image`. */
  readonly field: string
}

/** Something that may name an image and cannot be told for sure; it is reported and not carried. */
export interface Doubt {
  readonly line: number
  readonly reason: string
  /** The image that it would be, by its full name. */
  readonly reference?: string
  /** What is wrong with a document that is no YAML; Kubernetes would refuse it. */
  readonly broken?: string
}

/** What a manifest says about images. */
export interface ManifestImages {
  readonly images: readonly NamedImage[]
  readonly doubts: readonly Doubt[]
}

/** How a text is read. */
export interface ManifestReading {
  /** Whether keys are believed in YAML that is no object of Kubernetes, e.g. values that an app's own commands use. */
  readonly loose?: boolean
}

/** Annotations by which an object says what no rule knows. */
const marks = { images: 'sealer.io/images', fields: 'sealer.io/image-fields' }

const containerLists = new Set(['containers', 'initContainers', 'ephemeralContainers'])
/** Fields of a container of which one stands beside `image` wherever an operator's resource has a container of its own. */
const containerFields = [
  'command',
  'args',
  'env',
  'envFrom',
  'ports',
  'volumeMounts',
  'resources',
  'imagePullPolicy',
  'pullPolicy',
  'securityContext',
  'livenessProbe',
  'readinessProbe',
  'script',
]
/** Fields that say anything at all; an image in them is one only where a rule or an annotation says so. */
const freeTexts = new Set(['env', 'args', 'command'])
const notes = new Set(['annotations', 'labels'])
const imageKey = /^(?:imageName|imageRef)$|image$/i

/** How much is believed: in Kubernetes' own objects containers alone, in custom resources keys too, in other YAML hardly anything. */
type Trust = 'own' | 'custom' | 'other'

/**
 * The container images that manifests name: of containers wherever a pod template occurs, of image volumes, of custom resources by rules and,
 * where no rule says otherwise, by keys that can be nothing else. The text may be hostile: it is bounded by its reader, every value is
 * looked at once, and a document that cannot be read is a doubt.
 */
export function imagesInManifest(
  text: string,
  rules = new RuleTable([]),
  { loose = false }: ManifestReading = {},
): ManifestImages {
  const search = new Search(rules, loose ? 'custom' : 'other')
  for (const document of documentsIn(text)) search.document(document)
  return search.result()
}

class Search {
  readonly #rules: RuleTable
  readonly #images = new Map<string, NamedImage>()
  readonly #doubts = new Map<string, Doubt>()

  readonly #trust: Trust

  constructor(rules: RuleTable, trust: Trust) {
    this.#rules = rules
    this.#trust = trust
  }

  document(document: ReadDocument): void {
    if ('root' in document) new ObjectSearch(this.#rules, this).root(document.root, this.#trust)
    else this.#unread(document)
  }

  /** Perhaps a template; else what it seems to name is told. */
  #unread(document: Exclude<ReadDocument, { root: Spot }>): void {
    const { problem, line, text, above } = document
    const [template] = isTemplate(text) ? documentsIn(withoutActions(text), { above }) : []
    if (template !== undefined && 'root' in template) {
      this.document(template)
      return
    }
    const reason = `this is not read as a manifest (${problem}); list the images that it names in manifests/imageList`
    this.doubt({ line, reason, broken: problem })
    for (const [index, written] of text.split('\n').entries()) {
      const [, name] = /^\s*(?:-\s+)?"?image"?:\s*["']?([^\s"'#]+)/.exec(written) ?? []
      const reference = name === undefined ? undefined : nameOf(name)
      if (typeof reference === 'string')
        this.doubt({
          line: above + index + 1,
          reason: `"${name}" may be an image of a manifest that cannot be read`,
          reference,
        })
    }
  }

  found(image: NamedImage): void {
    const key = `${image.line} ${image.reference}`
    if (!this.#images.has(key)) this.#images.set(key, image)
  }

  doubt(doubt: Doubt): void {
    this.#doubts.set(`${doubt.line} ${doubt.reason}`, doubt)
  }

  /** What looks like an image is no doubt where it is one anyway. */
  result(): ManifestImages {
    const images = [...this.#images.values()]
    const known = new Set(images.map(({ reference }) => reference))
    return {
      images,
      doubts: [...this.#doubts.values()].filter(({ reference }) => reference === undefined || !known.has(reference)),
    }
  }
}

/** Looks through one object, and through those inside of it with a search of their own. */
class ObjectSearch {
  readonly #rules: RuleTable
  readonly #report: Pick<Search, 'found' | 'doubt'>
  readonly #seen: Set<unknown>
  #title = ''
  #ignored: ReadonlySet<string> = new Set()
  #parameters: Parameters | undefined

  constructor(rules: RuleTable, report: Pick<Search, 'found' | 'doubt'>, seen = new Set<unknown>()) {
    this.#rules = rules
    this.#report = report
    this.#seen = seen
  }

  root(spot: Spot, trust: Trust = 'other'): void {
    const identity = identityOf(spot.value)
    if (identity === undefined) this.#walk(spot, trust)
    else this.#object(spot, identity)
  }

  #object(spot: Spot, identity: Identity): void {
    const { kind, name } = identity
    if (kind === 'CustomResourceDefinition') return
    this.#title = name === '' ? kind : `${kind} ${name}`
    if (!kind.endsWith('List')) this.#parameters ??= new Parameters(spot)
    const { findings, ignored } = this.#rules.ask(spot, identity)
    this.#ignored = new Set([...ignored, ...findings.flatMap(({ parts }) => parts.map(({ path }) => path))])
    for (const finding of findings) this.#ruled(finding)
    if (ignored.has(spot.path)) return
    this.#marked(spot)
    const trust = isKubernetesOwn(identity) ? 'own' : 'custom'
    for (const [key, member] of spot.members()) {
      if (key === 'metadata' || key === 'status') continue
      if ((kind === 'ConfigMap' && key === 'data') || (kind === 'Secret' && key === 'stringData')) this.#texts(member)
      else this.#member(key, member, trust)
    }
  }

  /** What an annotation of the object, or of its pod template, says. */
  #marked(object: Spot): void {
    for (const path of [
      ['metadata', 'annotations'],
      ['spec', 'template', 'metadata', 'annotations'],
    ]) {
      for (const annotations of follow(
        object,
        path.map((key) => ({ key })),
      )) {
        const said = (name: string): Spot[] =>
          follow(annotations, [{ key: name }]).filter(({ value }) => typeof value === 'string')
        for (const spot of said(marks.images))
          for (const name of words(String(spot.value))) this.#sure(spot, name, 'named by an annotation')
        for (const spot of said(marks.fields))
          for (const field of words(String(spot.value))) this.#field(object, field, spot)
      }
    }
  }

  #field(object: Spot, field: string, mark: Spot): void {
    try {
      const spots = follow(object, parsePath(field))
      for (const spot of spots) this.#ruled({ spot, parts: [] })
      if (spots.length === 0) this.#doubt(mark, `${marks.fields} names the field ${field}, which is not there`)
    } catch (error) {
      if (!(error instanceof PathProblem)) throw error
      this.#doubt(mark, `${marks.fields}: ${error.message}`)
    }
  }

  /** A field that a rule names: one name, several, or a name in pieces. */
  #ruled({ spot, name }: RuleFinding): void {
    const { value } = spot
    if (name !== undefined) this.#sure(spot, name, 'an image by a rule')
    else if (typeof value === 'string') this.#sure(spot, value, 'an image by a rule')
    else if (Array.isArray(value)) for (const [, item] of spot.members()) this.#ruled({ spot: item, parts: [] })
    else if (isRecord(value)) {
      const whole = joined(value)
      if (whole !== undefined) this.#sure(spot, whole, 'an image by a rule')
    }
  }

  #walk(spot: Spot, trust: Trust): void {
    const { value } = spot
    if (typeof value !== 'object' || value === null || this.#seen.has(value) || this.#ignored.has(spot.path)) return
    this.#seen.add(value)
    const inner = identityOf(value)
    if (inner !== undefined) {
      new ObjectSearch(this.#rules, this.#report, this.#seen).#within(spot, inner, this.#parameters)
      return
    }
    if (trust === 'custom' && isRecord(value)) this.#pieces(spot, value)
    for (const [key, member] of spot.members()) this.#member(key, member, trust)
  }

  /** An object in another one, e.g. in a list, whose parameters it may use. */
  #within(spot: Spot, identity: Identity, outer: Parameters | undefined): void {
    this.#parameters = outer
    this.#object(spot, identity)
  }

  #member(key: string, spot: Spot, trust: Trust): void {
    if (this.#ignored.has(spot.path) || notes.has(key)) return
    const { value } = spot
    if (containerLists.has(key) && Array.isArray(value)) this.#containers(spot, trust)
    else if (key === 'volumes' && Array.isArray(value)) this.#volumes(spot)
    else if (freeTexts.has(key)) this.#freeText(spot)
    else if (trust === 'custom' && imageKey.test(key)) this.#image(key, spot)
    else if (trust === 'custom' && key === 'images') this.#images(spot)
    else if (trust === 'other' && key === 'image' && typeof value === 'string') this.#other(spot, value)
    else this.#walk(spot, trust)
  }

  #containers(list: Spot, trust: Trust): void {
    for (const [, container] of list.members()) {
      if (!isRecord(container.value) || this.#ignored.has(container.path)) continue
      for (const [key, member] of container.members()) {
        if (key === 'image' && typeof member.value === 'string')
          this.#sure(member, member.value, 'the image of a container')
        else if (key === 'image' && isRecord(member.value)) this.#image(key, member)
        else this.#member(key, member, trust)
      }
    }
  }

  /** An image can be mounted as a volume; what other volumes call an image is a disk. */
  #volumes(list: Spot): void {
    for (const spot of follow(list, parsePath('*.image.reference')))
      if (typeof spot.value === 'string') this.#sure(spot, spot.value, 'the image of a volume')
  }

  /** `image: NAME`, `image: {repository, tag}`, or something with a key of that name. */
  #image(key: string, spot: Spot): void {
    const { value } = spot
    if (typeof value === 'string') this.#perhaps(key, spot, value)
    else if (Array.isArray(value)) this.#images(spot)
    else if (isRecord(value) && !this.#isAnswered(spot)) {
      if (typeof value.reference === 'string') this.#sure(spot.into('reference'), value.reference, 'an image')
      const whole = joined(value)
      if (whole !== undefined) this.#perhaps(key, spot, whole)
      else if (typeof value.repository === 'string')
        this.#doubt(spot, `${key} gives a repository, ${value.repository}, and leaves the tag to the operator`)
      else this.#walk(spot, 'custom')
    }
  }

  /** Whether a rule has made a name out of these pieces. */
  #isAnswered(spot: Spot): boolean {
    return spot.members().some(([, piece]) => this.#ignored.has(piece.path))
  }

  /** Texts of a list, or of a map, called `images`. */
  #images(spot: Spot): void {
    for (const [, item] of spot.members()) {
      if (typeof item.value === 'string') {
        if (isPlainly(item.value, { bare: false })) this.#sure(item, item.value, 'an image')
      } else this.#walk(item, 'custom')
    }
  }

  /** A key of a custom resource: an image where it can be nothing else. */
  #perhaps(key: string, spot: Spot, text: string): void {
    if (text.trim() === '') return
    const isSure = (name: string) => isPlainly(name, { bare: /^image(?:Name|Ref)?$/.test(key) })
    if ((this.#parameters?.fill(text) ?? [text]).every(isSure)) {
      this.#sure(spot, text, 'an image')
      return
    }
    const name = nameOf(text)
    this.#doubt(spot, `"${key}: ${text}" may be an image, or not`, typeof name === 'string' ? name : undefined)
  }

  /** A custom resource may have containers under any name, and names in pieces. */
  #pieces(spot: Spot, value: Readonly<Record<string, unknown>>): void {
    const { image, repository } = value
    const isOpen = (key: string) => !this.#ignored.has(spot.into(key).path)
    if (
      typeof image === 'string' &&
      image !== '' &&
      isOpen('image') &&
      containerFields.some((field) => Object.hasOwn(value, field))
    ) {
      if (typeof repository !== 'string') this.#sure(spot.into('image'), image, 'the image of a container')
    }
    if (
      typeof repository === 'string' &&
      ('imagePullPolicy' in value || 'pullPolicy' in value || 'imagePullSecrets' in value)
    ) {
      const whole = joined(value)
      if (whole !== undefined) this.#sure(spot, whole, 'an image')
    }
    for (const key of Object.keys(value)) {
      const [, prefix] = /^(.*[iI]mage)Repository$/.exec(key) ?? []
      const tag = prefix === undefined ? undefined : value[`${prefix}Tag`]
      if (typeof value[key] !== 'string' || (typeof tag !== 'string' && typeof tag !== 'number')) continue
      const whole = joined({ registry: value[`${prefix}Registry`], repository: value[key], tag })
      if (whole !== undefined) this.#sure(spot.into(key), whole, 'an image')
    }
  }

  /** YAML that is no object of Kubernetes, e.g. values or another tool's file. */
  #other(spot: Spot, text: string): void {
    const name = nameOf(text)
    if (typeof name !== 'string' || !isPlainly(text, { bare: true })) return
    this.#doubt(spot, `"image: ${text}" stands outside of any object of Kubernetes`, name)
  }

  /** Environment and arguments: told, never taken. */
  #freeText(spot: Spot): void {
    const { value } = spot
    if (typeof value === 'string') {
      const name = lookalikeIn(value)
      if (name !== undefined)
        this.#doubt(
          spot,
          `"${value}" looks like an image; mark it with the annotation ${marks.fields} if it is one`,
          name,
        )
    } else if (typeof value === 'object' && value !== null && !this.#seen.has(value)) {
      this.#seen.add(value)
      for (const [, member] of spot.members()) this.#freeText(member)
    }
  }

  /** Manifests kept as text, e.g. the template of something that makes pods. */
  #texts(data: Spot): void {
    for (const [key, spot] of data.members()) {
      if (typeof spot.value !== 'string' || this.#ignored.has(spot.path)) continue
      if (!spot.value.includes('\n') && lookalikeIn(spot.value) !== undefined) this.#freeText(spot)
      if (!/(?:^|[\s,{"'-])image["']?\s*:/m.test(spot.value)) continue
      const text = isTemplate(spot.value) ? withoutActions(spot.value) : spot.value
      for (const document of documentsIn(text, { above: spot.line - 1, path: spot.path })) {
        if ('root' in document) new ObjectSearch(this.#rules, this.#report, this.#seen).root(document.root)
        else if (/^\s*-?\s*"?image"?\s*:/m.test(document.text))
          this.#doubt(spot, `the text of ${key} names images in a form that is not read`)
      }
    }
  }

  /** A name that must be one; parameters of the object are filled in. */
  #sure(spot: Spot, text: string, what: string): void {
    if (text.trim() === '') return
    for (const filled of this.#parameters?.fill(text) ?? [text]) {
      const name = nameOf(filled)
      if (isMade(filled))
        this.#doubt(spot, 'the name of this image is made by a template; list what it becomes in manifests/imageList')
      else if (typeof name === 'string')
        this.#report.found({ reference: name, line: spot.line, field: this.#fieldAt(spot) })
      else this.#doubt(spot, `"${filled}" is ${what}, but ${name.reason}`)
    }
  }

  #fieldAt({ path }: Spot): string {
    return this.#title === '' ? path : `${this.#title}: ${path}`
  }

  #doubt({ line }: Spot, reason: string, reference?: string): void {
    this.#report.doubt({ line, reason, ...(reference !== undefined && { reference }) })
  }
}

const words = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== '')
