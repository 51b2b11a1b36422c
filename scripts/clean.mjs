// Removes what `tsc -b` has written: it leaves the outputs of deleted sources behind, and they would get packed.
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
for (const name of readdirSync(join(root, 'packages'))) {
  rmSync(join(root, 'packages', name, 'dist'), { recursive: true, force: true })
  rmSync(join(root, 'packages', name, 'tsconfig.tsbuildinfo'), { force: true })
}
rmSync(join(root, 'tsconfig.tools.tsbuildinfo'), { force: true })
