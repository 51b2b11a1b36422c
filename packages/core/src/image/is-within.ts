/** Whether a path is a folder or stands in it; both relative to the same root, which is `.`. */
export const isWithin = (path: string, folder: string): boolean =>
  folder === '.' || path === folder || path.startsWith(`${folder}/`)
