import { isRecord } from './is-record.ts'
import { yamlDocuments } from './yaml-documents.ts'

/** What one template has rendered into. */
export interface RenderedPart {
  /** The template, as helm names it: `cache/templates/deploy.yaml`. */
  readonly template: string
  readonly text: string
}

/** Cuts what helm prints. It writes above each document which template it comes from. */
export function renderedParts(output: string): RenderedPart[] {
  return output
    .split(/^(?=---\n# Source: )/m)
    .map((text) => ({ template: /^# Source: (.+)$/m.exec(text)?.[1] ?? '', text }))
    .filter(({ text }) => text.trim() !== '')
}

/** Whether a document is what `helm test` runs, and nothing else does. @throws YamlProblem */
export function isTest(text: string): boolean {
  if (!text.includes('helm.sh/hook')) return false
  return yamlDocuments(text).some(({ value }) => {
    const metadata = isRecord(value) ? value.metadata : undefined
    const annotations = isRecord(metadata) ? metadata.annotations : undefined
    const hook = isRecord(annotations) ? annotations['helm.sh/hook'] : undefined
    if (typeof hook !== 'string') return false
    const hooks = hook.split(',').map((one) => one.trim())
    return hooks.every((one) => testHooks.includes(one))
  })
}

const testHooks = ['test', 'test-success', 'test-failure']
