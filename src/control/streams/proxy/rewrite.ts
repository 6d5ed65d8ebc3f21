/** Addresses in proxied answers: what the other side believes to be its root lies below the proxy's path. Pure. */

export interface ProxyPlace {
  /** `/api/v1/namespaces/NS/services/NAME/proxy` */
  readonly prefix: string
  /** The Host that the other side was asked as, and the one that the client has asked. */
  readonly hosts: readonly string[]
}

/** A path of the other side's, as the client reaches it; others' addresses and relative ones as they are. */
export const rewriteAddress = (text: string, { prefix, hosts }: ProxyPlace): string => {
  const [, host, path = ''] = /^(?:(?:https?:)?\/\/([^/?#]*))?(.*)$/is.exec(text.trim()) ?? []
  const isOther = host !== undefined && !hosts.includes(host)
  if (isOther || (!path.startsWith('/') && !(host !== undefined && path === ''))) return text
  return path === prefix || path.startsWith(`${prefix}/`) ? path : `${prefix}${path === '' ? '/' : path}`
}

const attributes =
  'action|background|cite|classid|codebase|data|formaction|href|icon|longdesc|manifest|poster|profile|src|usemap'
const attribute = new RegExp(`(\\s(?:${attributes})\\s*=\\s*)("[^"]*"|'[^']*')`, 'gi')

/** The addresses in the tags of a page. */
export const rewriteHtml = (html: string, place: ProxyPlace): string =>
  html.replace(/<[a-z][^<>]*>/gi, (tag) =>
    tag.replace(attribute, (_all, before: string, quoted: string) => {
      const quote = quoted.charAt(0)
      return `${before}${quote}${rewriteAddress(quoted.slice(1, -1), place)}${quote}`
    }),
  )
