const mostCharacters = 256

/** What others say stands in conditions and Events: one line of some length. */
export const plainText = (text: string): string =>
  text
    .replaceAll(/\p{C}+/gu, ' ')
    .trim()
    .slice(0, mostCharacters)
