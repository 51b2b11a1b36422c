import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isRecord } from './is-record.ts'
import { yamlDocuments } from './yaml-documents.ts'

/** Takes charts out of what a chart asks for, in Chart.yaml and in the requirements.yaml of older charts. */
export async function dropDependencies(folder: string, names: readonly string[]): Promise<void> {
  for (const file of ['Chart.yaml', 'requirements.yaml'].map((name) => join(folder, name))) {
    if (!existsSync(file)) continue
    const value = yamlDocuments(await readFile(file, 'utf8'))[0]?.value
    if (!isRecord(value) || !Array.isArray(value.dependencies)) continue
    const dependencies = value.dependencies.filter((one) => !(isRecord(one) && names.includes(String(one.name))))
    await writeFile(file, JSON.stringify({ ...value, dependencies })) // JSON is YAML
  }
}
