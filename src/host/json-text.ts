/** JSON for whoever looks at it: it leaves DEL and the controls above it as they are in texts, and terminals obey those, too. Pure. */

/** Of text that is JSON. */
export const escapeControls = (json: string): string =>
  json.replace(/[\u007f-\u009f]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)

export const jsonText = (value: object, indent?: number): string =>
  escapeControls(JSON.stringify(value, undefined, indent))
