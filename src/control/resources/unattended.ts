/** For kinds that are kept, checked and shown while nothing acts upon them: whoever writes one is told what does not happen. */
export const unattended = (what: string) => (): readonly string[] => [
  `this server keeps and shows the object and does not act upon it yet: ${what}`,
]
