import { type Sealer, SealerError, type Wish } from '@sealer/core'
import { type CliContext, warn } from '../context.ts'
import { errors } from '../errors.ts'
import { showTransfer } from '../progress/transfer.ts'

/** The same wish with its image in the store: an archive is loaded, a name that this machine lacks is pulled, both with progress. */
export async function imageAtHand(context: CliContext, sealer: Sealer, wish: Wish): Promise<Wish> {
  const { image = '' } = wish
  if (image.endsWith('.tar')) return { ...wish, image: await loaded(context, sealer, image) }
  try {
    await sealer.images.admit(image) // asked before anything of it is read
  } catch (error) {
    if (!SealerError.is(error) || error.code !== 'IMAGE_NOT_FOUND') throw error
    warn(context, `${image} is not on this machine yet; fetching it.`)
    using transfer = showTransfer(context)
    await sealer.images.pull(image, { signal: context.signal, onProgress: transfer.onProgress })
  }
  return wish
}

async function loaded(context: CliContext, sealer: Sealer, file: string): Promise<string> {
  using transfer = showTransfer(context)
  const [image, ...more] = await sealer.images.load(file, { signal: context.signal, onProgress: transfer.onProgress })
  if (image !== undefined && more.length === 0) return image.reference
  const reason = image === undefined ? 'it holds no image' : 'it holds several images; load it and name one of them'
  throw errors.FILE_UNREADABLE({ file, reason })
}
