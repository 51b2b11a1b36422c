import { defineErrors } from '../errors.ts'

/** Errors of templates. */
export const templateErrors = defineErrors('core', {
  TEMPLATE_INVALID: {
    message: (d: { place: string; reason: string }) => `${d.place}: ${d.reason}.`,
    hint: () => 'Fields, functions and what else a template may hold: docs/reference/templates.md',
  },
})
