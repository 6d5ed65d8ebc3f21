/** Labels and annotations by which objects are chosen on both sides of the API. */

/** ConfigMaps in which users publish DNS records: every node reads them. */
export const publishedLabel = 'podway.dev/skydns'
