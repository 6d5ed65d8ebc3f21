/** The members of a header that is a list (RFC 9110, 5.6.1). Whoever sends much white space costs no more than what is read. */
export const membersOf = (header: string): readonly string[] =>
  header
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
