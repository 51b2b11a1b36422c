import { builtinPlugins } from '../builtin/index.ts'
import { systemClock } from '../clock.ts'
import { createHooks } from '../hooks.ts'
import { mediaTypes } from '../image/oci.ts'
import type { RegistryDouble } from '../image/registry-double.test.support.ts'
import { amd64, putContainerImage, temporaryFolder, temporaryStore } from '../image/small-images.test.support.ts'
import { createImages, storeOf } from '../images.ts'
import { everyKindOfFile, listening, temporaryContext } from '../kubefile/kubefiles.test.support.ts'
import type { BuildOptions } from '../sealer.ts'
import { createSecrets } from '../secrets.ts'
import { buildImage } from './build.ts'
import type { BuildReport } from './build-types.ts'

/** What the tests of builds share. */

/** A context with a Kubefile that needs no network. */
export const scratch = { ...everyKindOfFile, Kubefile: 'FROM scratch\nCOPY ops bin\nCMD echo hi\n' }

/** A sealer's home with a context beside it. */
export async function workplace(files: Readonly<Record<string, string>> = scratch) {
  const context = await temporaryContext(files)
  const home = await temporaryFolder()
  const hooks = createHooks()
  for (const plugin of builtinPlugins()) plugin.apply({ hooks })
  const logger = listening()
  const secrets = createSecrets()
  const images = createImages({ home: home.path, secrets, logger, clock: systemClock })
  const store = storeOf(home.path, systemClock)
  const build = (options: Partial<BuildOptions> = {}): Promise<BuildReport> =>
    buildImage(
      { context: context.folder, tag: 'app:v1', platforms: [amd64], ...options },
      { home: home.path, hooks, images, secrets, logger, clock: systemClock },
    )
  const inspect = async (report: BuildReport, platform = amd64) =>
    store.platform(await store.resolve(report.digest), platform)
  return {
    context,
    home: home.path,
    hooks,
    logger,
    store,
    build,
    inspect,
    [Symbol.asyncDispose]: async () => {
      await context[Symbol.asyncDispose]()
      await home[Symbol.asyncDispose]()
    },
  }
}

/** Puts a container image for amd64 into a registry, under the tag 1 unless told otherwise; of another content it is another image. */
export async function serve(
  registry: RegistryDouble,
  repository: string,
  tag = '1',
  content = `${registry.host}/${repository}:${tag}`,
): Promise<string> {
  await using store = await temporaryStore()
  const { digest, blobs } = await putContainerImage(store.blobs, content, amd64)
  for (const blob of blobs) registry.blobs.set(blob.digest, await store.blobs.read(blob.digest))
  const manifest = { mediaType: mediaTypes.manifest, bytes: await store.blobs.read(digest) }
  registry.manifests.set(`${repository}:${tag}`, manifest)
  registry.manifests.set(`${repository}@${digest}`, manifest)
  return digest
}
