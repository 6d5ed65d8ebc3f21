/** References in command lines and values: `$(NAME)` is replaced, `$$(NAME)` is the text `$(NAME)`. */

/** Kubernetes' rules (third_party/forked/golang/expansion): what is not known, or not closed, stays as it is. */
export const expand = (text: string, lookup: (name: string) => string | undefined): string =>
  text.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : (lookup(name) ?? whole),
  )
