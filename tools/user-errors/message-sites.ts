/** Where the sources write a message for the user, and the words that it has in any case. */
import ts from 'typescript'

export interface MessageSite {
  readonly file: string
  readonly line: number
  /** Its literal parts; none if it is put together elsewhere. */
  readonly words: readonly string[]
}

/** What is made with a message. */
interface Maker {
  readonly name: string
  /** Which argument the message is. */
  readonly argument: number
  /** Where the name means it, a file or a folder; everywhere if it is exported. */
  readonly within?: string
  /** It is given what stands in a message; what stands in that is no clause any more. */
  readonly isPart?: boolean
}

const MAKERS: readonly Maker[] = [
  { name: 'CodedError', argument: 1 },
  { name: 'DomainBuildError', argument: 1 },
  { name: 'PluginError', argument: 2 },
  { name: 'UnpackError', argument: 0 },
  { name: 'RpcFault', argument: 1 },
  { name: 'NbdError', argument: 0 },
  { name: 'Error', argument: 0, within: 'libs/core/src/plugin/config-schema.ts' },
  { name: 'warn', argument: 0, within: 'apps/xend/src/xm/doctor/' },
  { name: 'fail', argument: 0, within: 'apps/xend/src/xm/doctor/' },
]

export interface SourceText {
  readonly file: string
  readonly text: string
}

/** A function that is given the message, or a part of it, is followed to where it is called, by its name. */
export function messageSites(sources: readonly SourceText[]): MessageSite[] {
  const trees = sources.map(({ file, text }) => ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true))
  const makers = [...MAKERS]
  const sites = new Map<ts.Node, MessageSite>()
  const look = (given: ts.Expression, at: ts.Node, tree: ts.SourceFile, isPart = false): void => {
    for (const message of alternativesOf(given, tree)) {
      const whole = wrapperOf(message, tree, isPart)
      const parts = isPart ? [] : partsOf(message).map((part) => wrapperOf(part, tree, true))
      for (const wrapper of [whole, ...parts]) {
        if (wrapper !== undefined && !makers.some((known) => isSame(known, wrapper))) makers.push(wrapper)
      }
      // Two makers may have the same name.
      if (whole === undefined) sites.set(message, siteOf(tree, at, message))
    }
  }
  for (const tree of trees) for (const property of partsByNameOf(tree)) look(property, property, tree, true)
  // It grows as wrappers are found.
  for (const { name, argument, within = '', isPart } of makers) {
    for (const tree of trees.filter(({ fileName }) => fileName.startsWith(within))) {
      for (const call of callsOf(name, tree)) {
        const given = call.arguments?.[argument]
        if (given !== undefined) look(given, call, tree, isPart)
      }
    }
  }
  return [...sites.values()]
}

/** What a key may be is a property of its type, and comes into the message from there. */
function partsByNameOf(tree: ts.SourceFile): ts.Expression[] {
  const found: ts.Expression[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAssignment(node) && node.name.getText(tree) === 'expected') found.push(node.initializer)
    if (ts.isShorthandPropertyAssignment(node) && node.name.text === 'expected') found.push(node.name)
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

/** Messages of which it is one. */
function alternativesOf(message: ts.Expression, tree: ts.SourceFile): ts.Expression[] {
  if (ts.isConditionalExpression(message)) {
    return [message.whenTrue, message.whenFalse].flatMap((one) => alternativesOf(one, tree))
  }
  const value = ts.isIdentifier(message) ? constantOf(message, tree) : undefined
  return value !== undefined && ts.isConditionalExpression(value) ? alternativesOf(value, tree) : [message]
}

const isSame = (a: Maker, b: Maker): boolean =>
  a.name === b.name && a.argument === b.argument && (a.within ?? b.within) === b.within

type Call = ts.CallExpression | ts.NewExpression

function callsOf(name: string, tree: ts.SourceFile): Call[] {
  const calls: Call[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      const { expression } = node
      const called = ts.isPropertyAccessExpression(expression) ? expression.name : expression
      if (called.getText(tree) === name) calls.push(node)
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return calls
}

const partsOf = (message: ts.Expression): ts.Expression[] =>
  ts.isTemplateExpression(message) ? message.templateSpans.map(({ expression }) => expression) : []

/** The function of which the message is a parameter. */
function wrapperOf(message: ts.Expression, tree: ts.SourceFile, isPart: boolean = false): Maker | undefined {
  if (!ts.isIdentifier(message)) return undefined
  for (let node: ts.Node = message; node.parent !== undefined; node = node.parent) {
    if (!ts.isFunctionLike(node)) continue
    const argument = node.parameters.findIndex(({ name }) => name.getText(tree) === message.text)
    if (argument < 0) continue
    const named = node.name ?? (ts.isVariableDeclaration(node.parent) ? node.parent.name : undefined)
    if (named === undefined) return undefined
    // Names of parts are short: in another package they are of something else.
    const far = isPart ? { within: /^(libs|apps)\/[^/]+\//.exec(tree.fileName)?.[0] ?? '' } : {}
    const within = isExported(node, named) ? far : { within: tree.fileName }
    return { name: named.getText(tree), argument, isPart, ...within }
  }
  return undefined
}

/** A function, or a method of a class, that other files can name. */
function isExported(node: ts.Node, named: ts.Node): boolean {
  const whole = ts.isVariableDeclaration(node.parent) ? node.parent.parent.parent : node
  const exported = ts.isClassLike(whole.parent) && !ts.isPrivateIdentifier(named) ? whole.parent : whole
  return /^export /.test(exported.getText())
}

function siteOf(tree: ts.SourceFile, at: ts.Node, message: ts.Expression): MessageSite {
  const { line } = tree.getLineAndCharacterOfPosition(at.getStart(tree))
  return { file: tree.fileName, line: line + 1, words: literalsOf(message, tree) }
}

/** Of what is written there, and of the constant that stands for it; not what is only compared or given to a function. */
function literalsOf(node: ts.Node, tree: ts.SourceFile, depth = 0): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text]
  if (ts.isIdentifier(node) && depth < 2) {
    const value = constantOf(node, tree)
    const words = value === undefined ? [] : literalsOf(value, tree, depth + 1)
    // What is put in: a number, a name.
    return words.some((word) => word.trim().includes(' ')) ? words : []
  }
  if (ts.isCallExpression(node) || ts.isNewExpression(node)) return literalsOf(node.expression, tree, depth)
  if (ts.isConditionalExpression(node)) {
    return [node.whenTrue, node.whenFalse].flatMap((branch) => literalsOf(branch, tree, depth))
  }
  const parts: string[] = ts.isTemplateExpression(node) ? [node.head.text] : []
  ts.forEachChild(node, (child) => {
    if (ts.isTemplateSpan(child)) parts.push(...literalsOf(child.expression, tree, depth), child.literal.text)
    else if (!ts.isTemplateHead(child)) parts.push(...literalsOf(child, tree, depth))
  })
  return parts
}

function constantOf(name: ts.Identifier, tree: ts.SourceFile): ts.Expression | undefined {
  let value: ts.Expression | undefined
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && node.name.getText(tree) === name.text) value = node.initializer
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return value
}
