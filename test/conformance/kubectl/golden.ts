/** Where the answers of another API server stand, by the version of kubectl that asked. */
export const goldenOf = (minor: string): URL => new URL(`golden-${minor}.json`, import.meta.url)
