import type { Expr } from '@agent-etl/contracts';

/** The expression with its columns replaced by what they stand for. */
export function substituted(node: Expr, by: ReadonlyMap<string, Expr>): Expr {
  const go = (child: Expr): Expr => substituted(child, by);
  switch (node.k) {
    case 'lit': return node;
    case 'col': return by.get(node.name) ?? node;
    case 'call': return { ...node, args: node.args.map(go) };
    case 'bin': return { ...node, l: go(node.l), r: go(node.r) };
    case 'neg': case 'not': case 'isNull': case 'cast': case 'like': case 'mask': return { ...node, e: go(node.e) };
    case 'and': case 'or': return { ...node, es: node.es.map(go) };
    case 'between': return { ...node, e: go(node.e), lo: go(node.lo), hi: go(node.hi) };
    case 'in': return { ...node, e: go(node.e), es: node.es.map(go) };
    case 'case': return { ...node, whens: node.whens.map(({ when, then }) => ({ when: go(when), then: go(then) })), else: go(node.else) };
  }
}
