import ts from 'typescript'

interface HookText {
  readonly name: string
  /** Its tapable class, e.g. AsyncSeriesBailHook. */
  readonly kind: string
  readonly receives: readonly string[]
  readonly answers: string | undefined
  readonly comment: string
}

const kinds: Readonly<Record<string, string>> = {
  AsyncSeriesBailHook: 'choose (bail): the first answer wins',
  AsyncSeriesWaterfallHook: 'refine (waterfall): each answer feeds the next',
  AsyncSeriesHook: 'happen (series): one after the other, what they return is ignored',
}

/** The page of hooks, from the literal in hooks.ts and its comments, in the order they are called. */
export function hooksPage(source: string): string {
  const sections = hooksOf(source).map((hook) => {
    const rows = [
      ['Kind', kinds[hook.kind] ?? hook.kind],
      ['Receives', hook.receives.map((one) => `\`${one}\``).join(', ')],
      ...(hook.answers === undefined ? [] : [['Answers', `\`${hook.answers}\``]]),
    ]
    const table = rows.map(([title, text]) => `| ${title} | ${text?.replaceAll('|', '\\|')} |`)
    return `## ${hook.name}\n\n${hook.comment}\n\n| | |\n|---|---|\n${table.join('\n')}\n`
  })
  return `# Hooks

Every point a plugin can tap, in the order it is called. Bail hooks choose, waterfall hooks refine, series hooks happen.
A tap that throws ends the run with its plugin's and its hook's name. A plugin changes hosts by refining a list of steps.

${sections.join('\n')}`
}

function hooksOf(source: string): HookText[] {
  const file = ts.createSourceFile('hooks.ts', source, ts.ScriptTarget.Latest, true)
  const declared = file.statements.find((one) => ts.isFunctionDeclaration(one) && one.name?.text === 'declareHooks')
  const found: HookText[] = []
  const visit = (node: ts.Node, group: string): void => {
    if (ts.isPropertyAssignment(node) && ts.isObjectLiteralExpression(node.initializer)) {
      ts.forEachChild(node.initializer, (child) => visit(child, node.name.getText()))
    } else if (ts.isPropertyAssignment(node) && ts.isNewExpression(node.initializer)) {
      found.push(hookText(node, node.initializer, group))
    } else ts.forEachChild(node, (child) => visit(child, group))
  }
  if (declared !== undefined) visit(declared, '')
  if (found.length === 0) throw new Error('hooks.ts has no hook in declareHooks.')
  return found
}

function hookText(property: ts.PropertyAssignment, hook: ts.NewExpression, group: string): HookText {
  const name = `${group}.${property.name.getText()}`
  const [args, result] = hook.typeArguments ?? []
  const kind = hook.expression.getText()
  const receives = args !== undefined && ts.isTupleTypeNode(args) ? args.elements.map((one) => one.getText()) : []
  const comment = ts
    .getJSDocCommentsAndTags(property)
    .flatMap((doc) => (typeof doc.comment === 'string' ? [doc.comment] : []))
    .join('\n')
  if (comment === '') throw new Error(`The hook ${name} has no comment.`)
  const refined = kind === 'AsyncSeriesWaterfallHook' ? receives[0]?.replace(/^\w+: /, '') : undefined
  return { name, kind, receives, answers: result?.getText() ?? refined, comment }
}
