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
  /** Where the name means it; everywhere if it is exported. */
  readonly file?: string
}

const MAKERS: readonly Maker[] = [
  { name: 'CodedError', argument: 1 },
  { name: 'DomainBuildError', argument: 1 },
  { name: 'PluginError', argument: 2 },
]

export interface SourceText {
  readonly file: string
  readonly text: string
}

/** A function that is given the message is followed to where it is called, by its name. */
export function messageSites(sources: readonly SourceText[]): MessageSite[] {
  const trees = sources.map(({ file, text }) => ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true))
  const makers = [...MAKERS]
  const sites: MessageSite[] = []
  // It grows as wrappers are found.
  for (const maker of makers) {
    for (const tree of trees.filter(({ fileName }) => (maker.file ?? fileName) === fileName)) {
      for (const call of callsOf(maker.name, tree)) {
        const message = call.arguments?.[maker.argument]
        if (message === undefined) continue
        const wrapper = wrapperOf(message, tree)
        if (wrapper === undefined) sites.push(siteOf(tree, call, message))
        else if (!makers.some(({ name, file }) => name === wrapper.name && file === wrapper.file)) makers.push(wrapper)
      }
    }
  }
  return sites
}

type Call = ts.CallExpression | ts.NewExpression

function callsOf(name: string, tree: ts.SourceFile): Call[] {
  const calls: Call[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      if (node.expression.getText(tree).replace(/^this\./, '') === name) calls.push(node)
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return calls
}

/** The function of which the message is a parameter. */
function wrapperOf(message: ts.Expression, tree: ts.SourceFile): Maker | undefined {
  if (!ts.isIdentifier(message)) return undefined
  for (let node: ts.Node = message; node.parent !== undefined; node = node.parent) {
    if (!ts.isFunctionLike(node)) continue
    const argument = node.parameters.findIndex(({ name }) => name.getText(tree) === message.text)
    if (argument < 0) continue
    const named = node.name ?? (ts.isVariableDeclaration(node.parent) ? node.parent.name : undefined)
    if (named === undefined) return undefined
    const isExported = /^export /.test(
      (ts.isVariableDeclaration(node.parent) ? node.parent.parent.parent : node).getText(tree),
    )
    return { name: named.getText(tree), argument, ...(isExported ? {} : { file: tree.fileName }) }
  }
  return undefined
}

function siteOf(tree: ts.SourceFile, call: Call, message: ts.Expression): MessageSite {
  const { line } = tree.getLineAndCharacterOfPosition(call.getStart(tree))
  return { file: tree.fileName, line: line + 1, words: literalsOf(message, tree) }
}

/** Of what is written there, and of the constant that stands for it. */
function literalsOf(node: ts.Node, tree: ts.SourceFile, depth = 0): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text]
  if (ts.isIdentifier(node) && depth < 2) {
    const value = constantOf(node, tree)
    return value === undefined ? [] : literalsOf(value, tree, depth + 1)
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
