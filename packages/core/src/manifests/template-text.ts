/** Stands where a template puts something that is not known. */
const placeholder = 'sealer-template'

/** Whether a text has actions of Go templates: `{{ … }}`. */
export const isTemplate = (text: string): boolean => text.includes('{{')

/** Whether a template makes a part of this name. */
export const isMade = (name: string): boolean => name.includes(placeholder)

/** Blanks the actions of a template out; lines stay where they are. A name that still is whole is one. */
export function withoutActions(text: string): string {
  return blanked(text)
    .split('\n')
    .map((line) => (onlyActions.test(line) ? '' : line.replace(leadingAction, '$1')))
    .join('\n')
}

const onlyActions = new RegExp(`^\\s*${placeholder}(?:\\s|${placeholder})*$`)
const leadingAction = new RegExp(`^(\\s*)${placeholder}(?=-?\\s*[\\w"]+:)`)

function blanked(text: string): string {
  let result = ''
  let at = 0
  for (let open = text.indexOf('{{'); open !== -1; open = text.indexOf('{{', at)) {
    const close = text.indexOf('}}', open + 2)
    if (close === -1) break
    const breaks = text.slice(open, close).split('\n').length - 1
    result += `${text.slice(at, open)}${placeholder}${'\n'.repeat(breaks)}`
    at = close + 2
  }
  return result + text.slice(at)
}
